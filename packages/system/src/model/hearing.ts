import { expect } from 'vitest'
import type { Hearing } from './device.ts'
import type { Telling } from './model-conversation.ts'

/**
 * A connection hears each change once and in its order: of each conversation a stretch of what was told, that begins not after
 * the connection began. Changes from just before may come too. With `isComplete` it goes up to the end.
 */
export function expectHeard(
  { heard, from }: Hearing,
  told: readonly Telling[],
  { isComplete }: { isComplete: boolean },
): void {
  const conversationIds = new Set([...heard, ...told].map(({ conversationId }) => conversationId))
  for (const id of conversationIds) {
    const isHere = ({ conversationId }: Telling) => conversationId === id
    const all = told.filter(isHere)
    const here = heard.filter(isHere)
    const before = told.slice(0, from).filter(isHere).length
    const first =
      here[0] === undefined
        ? before
        : Math.max(
            0,
            all.findIndex(({ version }) => version === here[0]!.version),
          )
    const begin = Math.min(first, before)
    expect(here.map(brief), 'heard live').toEqual(
      all.slice(begin, isComplete ? undefined : begin + here.length).map(brief),
    )
  }
}

const brief = ({ name, version }: Telling): string => `${version} ${name}`

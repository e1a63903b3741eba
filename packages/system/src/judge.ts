import { setTimeout as delay } from 'node:timers/promises'
import type { Conversation, Member, Message } from '@parley/protocol'
import { check, type InvariantName } from './history/check.ts'
import type { Evidence, View, Violations } from './history/evidence.ts'
import { readDatabase } from './history/read-database.ts'
import { readHistory } from './history/read-history.ts'
import type { Recorder } from './history/recorder.ts'
import { untilAnswered } from './until-answered.ts'
import type { Witness } from './witness/witness.ts'

export type Judgement = Partial<Record<InvariantName, Violations>>

interface Talk {
  readonly adminUrl: string
  readonly recorder: Recorder
  readonly people: readonly Witness[]
  /** What people do meanwhile. */
  readonly beforeLooking: () => void
  /** Each with somebody who has been in it from its beginning. */
  readonly conversations: readonly { readonly id: string; readonly host: Witness }[]
}

/** What is not right until then is wrong. */
const PATIENCE_MS = 35_000
const PAUSE_MS = 500

/** The invariants that do not hold, and why. What only takes time, such as catching up, is given it. */
export async function judge(talk: Talk): Promise<Judgement> {
  const endsAt = performance.now() + PATIENCE_MS
  for (;;) {
    talk.beforeLooking()
    await delay(PAUSE_MS)
    const isOver = performance.now() > endsAt
    if (!isOver && !talk.people.every(({ isSettled }) => isSettled)) continue
    const violations = check(await gatherEvidence(talk))
    if (isOver || Object.keys(violations).length === 0) return violations
  }
}

async function gatherEvidence({ adminUrl, recorder, people, conversations }: Talk): Promise<Evidence> {
  const histories = new Map<string, Message[]>()
  for (const { id, host } of conversations) histories.set(id, await readHistory(asking(host), id))
  const views: View[] = []
  for (const person of people) {
    const shown = await person.shown()
    person.session.shows(shown)
    for (const { conversationId } of shown) {
      const view = await readAnew(person, conversationId).catch(() => undefined)
      if (view !== undefined) views.push(view)
    }
  }
  const database = await readDatabase(adminUrl, [...histories.keys()])
  return { recording: recorder.recording(), histories, database, views }
}

async function readAnew(person: Witness, conversationId: string): Promise<View> {
  const { invoke } = asking(person)
  const members: Member[] = []
  let cursor: string | null = null
  do {
    const input = { conversationId, ...(cursor !== null && { cursor }) }
    const page: { members: Member[]; nextCursor: string | null } = await invoke('ListMembers', input)
    members.push(...page.members)
    cursor = page.nextCursor
  } while (cursor !== null)
  return {
    sessionId: person.session.id,
    conversation: await invoke<Conversation>('GetConversation', { conversationId }),
    members,
    messages: await readHistory({ invoke }, conversationId),
  }
}

const asking = (person: Witness): Pick<Witness, 'invoke'> => ({
  invoke: (method, input) => untilAnswered(() => person.invoke(method, input)),
})

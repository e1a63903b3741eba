import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Conversation, ConversationKind } from '@parley/protocol'
import { vi } from 'vitest'
import { comeAndGo } from './coming-and-going.ts'
import { createRecorder, type Recorder } from './history/recorder.ts'
import type { Recording } from './history/recording.ts'
import { judge, type Judgement } from './judge.ts'
import { seededRandom } from './seeded-random.ts'
import { talk } from './small-talk.ts'
import type { System } from './start-system.ts'
import { refusalOf } from './until-answered.ts'
import { joinWithSdk } from './witness/chat-witness.ts'
import { joinPlainly } from './witness/plain-witness.ts'
import type { Witness } from './witness/witness.ts'

export interface WitnessedTalk {
  readonly recording: Recording
  /** The invariants that do not hold, with the first few reasons. */
  readonly violations: Judgement
}

/** On each of the two gateways there are three people, one of them without the SDK. */
const PEOPLE = [joinWithSdk, joinWithSdk, joinPlainly, joinPlainly, joinWithSdk, joinWithSdk]
/** Of the people, those in each conversation. The first made it; in groups the last is removed and added again and again. */
const GATHERINGS: { kind: ConversationKind; members: number[]; guestEndsInside?: boolean }[] = [
  { kind: 'group', members: [0, 2, 3, 1], guestEndsInside: true },
  { kind: 'group', members: [3, 4, 5, 2], guestEndsInside: false },
  { kind: 'direct', members: [5, 2] },
  { kind: 'direct', members: [1, 4] },
]
const BEFORE_MS = 1_000
const AFTER_MS = 1_500
const GATHER_TIMEOUT_MS = 20_000
const REASONS = 5

/** Lets people on both gateways talk in several conversations, strikes, lets them talk on, and judges what has come of it. */
export async function witnessTalk(
  system: System,
  { name, strike, seed }: { name: string; strike: () => Promise<void>; seed: number },
): Promise<WitnessedTalk> {
  await using stack = new AsyncDisposableStack()
  const recorder = createRecorder(refusalOf)
  const people = await Promise.all(
    PEOPLE.map((joinIn, index) => joinIn(system.gatewayUrls[index % 2]!, `person ${index} ${randomUUID()}`, recorder)),
  )
  for (const person of people) stack.use(person)
  const gatherings = await Promise.all(
    GATHERINGS.map(async ({ kind, members, guestEndsInside }) => {
      const gathered = members.map((index) => people[index]!)
      return { guestEndsInside, members: gathered, id: await gather(kind, gathered, recorder) }
    }),
  )

  const stopping = new AbortController()
  const { signal: stopped } = stopping
  const random = seededRandom(seed)
  const talking = Promise.all([
    ...people.map((person) =>
      talk(
        person,
        gatherings.filter(({ members }) => members.includes(person)).map(({ id }) => id),
        { stopped, random },
      ),
    ),
    ...gatherings.map(async ({ id: conversationId, members, guestEndsInside: endsInside }) => {
      if (endsInside === undefined) return
      await comeAndGo({ conversationId, host: members[0]!, guest: members.at(-1)! }, { recorder, stopped, endsInside })
    }),
  ])
  // Should it fail early, it is awaited later.
  talking.catch(() => undefined)
  await delay(BEFORE_MS)
  const healed = recorder.fault(name)
  try {
    await strike()
  } finally {
    healed()
    await delay(AFTER_MS)
    stopping.abort()
    await talking
  }

  const violations = await judge({
    adminUrl: system.adminUrl,
    recorder,
    people,
    beforeLooking: () => people.forEach((person) => readGroups(person, gatherings)),
    conversations: gatherings.map(({ id, members }) => ({ id, host: members[0]! })),
  })
  return {
    recording: recorder.recording(),
    violations: Object.fromEntries(
      Object.entries(violations).map(([invariant, reasons]) => [invariant, reasons.slice(0, REASONS)]),
    ),
  }
}

async function gather(kind: ConversationKind, members: readonly Witness[], recorder: Recorder): Promise<string> {
  const [creator, ...others] = members
  const memberIds = others.map(({ user }) => user.id)
  const { id } = await creator!.invoke<Conversation>('CreateConversation', { kind, memberIds })
  await recorder.join(id, [creator!.user.id, ...memberIds], () =>
    vi.waitUntil(() => members.every(({ conversationIds }) => conversationIds.includes(id)), {
      timeout: GATHER_TIMEOUT_MS,
    }),
  )
  return id
}

/** In groups gateways keep back for half a minute what is only delivered, and not what is read. */
function readGroups(person: Witness, gatherings: readonly { id: string; members: readonly Witness[] }[]): void {
  for (const { id, members } of gatherings) {
    const last = person.messagesOf(id).at(-1)
    if (members.length > 2 && last !== undefined) person.markRead(id, last.sequence)
  }
}

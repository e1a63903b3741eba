import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { openChat, type Chat, type ChatState } from '@parley/client'
import type { Message } from '@parley/protocol'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { signIn } from '../src/participant.ts'
import { doSomething } from '../src/random-doings.ts'
import { seededRandom } from '../src/seeded-random.ts'
import { startSystem, type System } from '../src/start-system.ts'

const { FRESH_SEED } = process.env
const USERS = 5
const DOINGS = 80
/** How often a device that comes and goes does so meanwhile. */
const ABSENCES = 6
const EQUAL_TIMEOUT_MS = 20_000

let system: System
beforeAll(async () => {
  system = await startSystem()
}, 120_000)
afterAll(() => system?.[Symbol.asyncDispose]())

interface Person {
  readonly id: string
  readonly open: (gateway: number, state?: ChatState) => Promise<Chat>
}

async function newPerson(index: number): Promise<Person> {
  const { user, accessToken } = await signIn(system.gatewayUrls[0], `person ${index} ${randomUUID()}`)
  return {
    id: user.id,
    open: (gateway, state) =>
      openChat({ url: system.gatewayUrls[gateway % 2]!, accessToken, ...(state !== undefined && { state }) }),
  }
}

/** Goes away and comes back with the state it had, until told to stay. */
async function comeAndGo(person: Person, random: () => number): Promise<Chat> {
  let chat = await person.open(0)
  for (let absence = 0; absence < ABSENCES; absence += 1) {
    await delay(random() * 600)
    await chat[Symbol.asyncDispose]()
    const kept = structuredClone(chat.state)
    await delay(random() * 600)
    chat = await person.open(absence, kept)
  }
  return chat
}

const seeds = FRESH_SEED === undefined ? [Math.trunc(Math.random() * 2 ** 32)] : [Number(FRESH_SEED)]

test.each(seeds)(
  'the state of a chat that was told live, and of one that was away in between, is what a fresh one gets (seed %i)',
  async (seed) => {
    const random = seededRandom(seed)
    const people = await Promise.all(Array.from({ length: USERS }, (_, index) => newPerson(index)))
    const userIds = people.map(({ id }) => id)
    const staying = await Promise.all(people.map(({ open }, index) => open(index)))
    onTestFinished(() => closeAll(staying))
    const [first] = staying
    for (const [kind, historyVisibility] of [
      ['group', 'all'],
      ['group', 'joined'],
      ['channel', 'all'],
    ] as const) {
      await first!.hub.invoke('CreateConversation', { kind, historyVisibility, memberIds: userIds })
    }
    await first!.hub.invoke('CreateConversation', { kind: 'direct', memberIds: [userIds[1]!] })
    await vi.waitUntil(() => staying.every(({ state }) => state.conversations.size >= 3), { timeout: 10_000 })

    const leaving = Promise.all(people.map((person) => comeAndGo(person, random)))
    await Promise.all(
      staying.map(async (chat) => {
        for (let done = 0; done < DOINGS; done += 1) {
          await doSomething({ chat, userIds, random })
          await delay(random() * 40)
        }
      }),
    )
    const returned = await leaving
    onTestFinished(() => closeAll(returned))
    const chats = people.map((person, index) => ({ person, chats: [staying[index]!, returned[index]!] }))
    const messages = staying.flatMap(({ state }) => [...state.conversations.values()].map((one) => one.messages.length))
    expect(Math.max(...messages)).toBeGreaterThan(10)

    for (const one of chats) await expectFresh(one, { isDelivered: false })
    // Who reads all tells at once that all was delivered.
    for (const chat of staying) {
      for (const [id, { conversation }] of chat.state.conversations) chat.markRead(id, conversation.lastSequence)
    }
    for (const one of chats) await expectFresh(one, { isDelivered: true })
  },
  120_000,
)

async function expectFresh(
  { person, chats }: { person: Person; chats: readonly Chat[] },
  compared: { isDelivered: boolean },
): Promise<void> {
  await vi.waitFor(
    async () => {
      const fresh = await person.open(1)
      await fresh[Symbol.asyncDispose]()
      for (const [index, { state }] of chats.entries()) {
        const device = index === 0 ? 'told live' : 'was away'
        expect(shown(state, fresh.state, compared), device).toEqual(shown(fresh.state, state, compared))
      }
    },
    { timeout: EQUAL_TIMEOUT_MS, interval: 200 },
  )
}

async function closeAll(chats: readonly Chat[]): Promise<void> {
  await Promise.all(chats.map((chat) => chat[Symbol.asyncDispose]()))
}

/**
 * What a state shows, of messages those that the other one has too: how far back they go is another matter. Versions that only
 * others were told of are not heard live, and nobody is told in channels what others have read.
 */
function shown(state: ChatState, other: ChatState, { isDelivered }: { isDelivered: boolean }) {
  const entries = [...state.conversations].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([id, { conversation, messages, members, receipts, version }]) => {
    const { version: _, me, ...said } = conversation
    const { deliveredSequence: delivered, ...own } = me ?? {}
    const from = Math.max(oldest(messages), oldest(other.conversations.get(id)?.messages ?? []))
    const current = [...members.values()].filter(({ leftAt }) => leftAt === null)
    const told = current.filter(({ userId }) => conversation.kind !== 'channel' || userId === state.userId)
    return {
      ...said,
      me: { ...own, ...(isDelivered && { delivered }) },
      ...(conversation.historyVisibility === 'all' && { cursor: version }),
      messages: messages.filter(({ sequence }) => sequence >= from),
      members: byUser(current.map(({ userId, role, joinedAt }) => [userId, { role, joinedAt }])),
      receipts: byUser(
        told.map(({ userId }) => {
          const { readSequence = 0, deliveredSequence = 0 } = receipts.get(userId) ?? {}
          return [userId, isDelivered ? { readSequence, deliveredSequence } : { readSequence }]
        }),
      ),
    }
  })
}

const oldest = (messages: readonly Message[]): number => messages[0]?.sequence ?? 0

const byUser = (entries: [string, object][]) => Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))

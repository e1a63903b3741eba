import { randomUUID } from 'node:crypto'
import type { HubEvent } from '@parley/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ChatConnection } from '../hub/chat-connection.ts'
import { TypingRooms } from './typing-rooms.ts'

const conversationId = randomUUID()

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function open() {
  const hearers: ChatConnection[] = []
  const routing = { lapsed: false }
  const blockedUsers = new Map<string, ReadonlySet<string>>()
  const rooms = new TypingRooms({
    delivery: { hearersOf: () => hearers },
    routing,
    blockedUsers: { of: (userId) => blockedUsers.get(userId) },
  })
  const connect = (userId: string) => {
    const told: Omit<HubEvent<'Typing'>, 'conversationId'>[] = []
    const sendFrame: ChatConnection['sendFrame'] = (frame, delivery) => {
      expect(delivery).toBe('ephemeral')
      const { arguments: args } = frame.encodedFor({ encode: (message: unknown) => message } as never) as unknown as {
        arguments: HubEvent<'Typing'>[]
      }
      const { conversationId: where, ...rest } = args[0]!
      expect(where).toBe(conversationId)
      told.push(rest)
    }
    hearers.push({ identity: { actor: { userId } }, sendFrame } as unknown as ChatConnection)
    return {
      told,
      /** What was told since the last look, in short. */
      news: () => told.splice(0).map(({ userId: who, active, count }) => [who, active, count] as const),
    }
  }
  const say = (userId: string, active: boolean, lastsMs = 7_000) =>
    rooms.receive({ conversationId, userId, active, expiresAt: new Date(Date.now() + lastsMs).toISOString() })
  return { rooms, routing, hearers, blockedUsers, connect, start: (userId: string) => say(userId, true), say }
}

const five = ['a', 'b', 'c', 'd', 'e']

describe('who types', () => {
  test('is named to all but themselves, with how many others type', () => {
    const { connect, start, say } = open()
    const [alice, bob] = [connect('alice'), connect('bob')]
    start('alice')
    expect(alice.news()).toEqual([])
    expect(bob.told[0]?.expiresAt).toBe(new Date(Date.now() + 7_000).toISOString())
    expect(bob.news()).toEqual([['alice', true, 1]])
    start('carol')
    expect(alice.news()).toEqual([['carol', true, 1]])
    expect(bob.news()).toEqual([['carol', true, 2]])
    say('carol', false)
    expect(alice.news()).toEqual([['carol', false, 0]])
    expect(bob.news()).toEqual([['carol', false, 1]])
    say('carol', false)
    expect(bob.news()).toEqual([])
  })

  test('and does not say it again is counted no more after seven seconds, and leaves nothing behind', () => {
    const { rooms, connect, start } = open()
    const bob = connect('bob')
    start('alice')
    vi.advanceTimersByTime(4_000)
    start('carol')
    vi.advanceTimersByTime(3_100)
    start('dave')
    expect(bob.news()).toEqual([
      ['alice', true, 1],
      ['carol', true, 2],
      ['dave', true, 2],
    ])
    vi.advanceTimersByTime(7_100)
    expect([rooms.size, vi.getTimerCount()]).toEqual([0, 0])
  })

  test('is not kept where nobody hears it', () => {
    const { rooms, start } = open()
    start('alice')
    expect([rooms.size, vi.getTimerCount()]).toEqual([0, 0])
  })
})

describe('more than five who type', () => {
  test('are counted instead of named, at most once a second', () => {
    const { rooms, connect, start, say } = open()
    const bob = connect('bob')
    for (const user of five) start(user)
    expect(bob.news().at(-1)).toEqual(['e', true, 5])
    start('f')
    expect(bob.news()).toEqual([[null, true, 6]])
    for (let count = 0; count < 20; count++) start(`g${count}`)
    say('a', false)
    expect(bob.news()).toEqual([])
    vi.advanceTimersByTime(1_060)
    expect(bob.news()).toEqual([[null, true, 25]])
    expect(rooms.counted).toBe(1)
    vi.advanceTimersByTime(3_000)
    expect(bob.news()).toEqual([])
  })

  test('are named again when they are five, and the others hear first that they are not counted any more', () => {
    const { rooms, connect, start, say } = open()
    const [bob, alice] = [connect('bob'), connect('a')]
    for (const user of [...five, 'f', 'g']) start(user)
    bob.news()
    alice.news()
    say('f', false)
    say('g', false)
    expect(bob.news()).toEqual([])
    vi.advanceTimersByTime(1_060)
    expect(bob.news()).toEqual([[null, false, 0], ...five.map((user) => [user, true, 5] as const)])
    const others = five.filter((user) => user !== 'a').map((user) => [user, true, 4] as const)
    expect(alice.news()).toEqual([[null, false, 0], ...others])
    expect(rooms.counted).toBe(0)
  })

  test('do not count the one who is told', () => {
    const { connect, start } = open()
    const alice = connect('a')
    for (const user of [...five, 'f']) start(user)
    expect(alice.news().at(-1)).toEqual([null, true, 5])
  })

  test('are counted down as they cease to say it, and are told again in time while they go on', () => {
    const { connect, start } = open()
    const bob = connect('bob')
    const all = [...five, 'f', 'g', 'h']
    for (const user of all) start(user)
    bob.news()
    vi.advanceTimersByTime(3_000)
    for (const user of all) start(user)
    vi.advanceTimersByTime(1_100)
    const again = bob.told.at(-1)
    expect(again).toMatchObject({ userId: null, active: true, count: 8 })
    expect(Date.parse(again!.expiresAt) - Date.now()).toBeGreaterThan(5_000)
    bob.news()
    vi.advanceTimersByTime(2_000)
    for (const user of all.slice(1, 7)) start(user)
    vi.advanceTimersByTime(4_500)
    expect(bob.news().at(-1)).toEqual([null, true, 6])
    vi.advanceTimersByTime(5_000)
    expect(bob.news()).toEqual([[null, false, 0]])
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('who has blocked somebody', () => {
  test('is not told of them, nor are they counted, and all others are told as ever', () => {
    const { blockedUsers, connect, start, say } = open()
    const [alice, bob] = [connect('alice'), connect('bob')]
    blockedUsers.set('alice', new Set(['mallory']))
    start('mallory')
    expect([alice.news(), bob.news()]).toEqual([[], [['mallory', true, 1]]])
    start('carol')
    expect([alice.news(), bob.news()]).toEqual([[['carol', true, 1]], [['carol', true, 2]]])
    say('mallory', false)
    expect([alice.news(), bob.news()]).toEqual([[], [['mallory', false, 1]]])
  })

  test('is told a smaller number of many, and nothing where all of them are blocked', () => {
    const { blockedUsers, connect, start, say } = open()
    const [alice, bob, carol] = [connect('alice'), connect('bob'), connect('carol')]
    const six = [...five, 'f']
    blockedUsers.set('alice', new Set(['a', 'b']))
    blockedUsers.set('bob', new Set(six))
    for (const user of six) start(user)
    expect(alice.news()).toEqual([
      ['c', true, 1],
      ['d', true, 2],
      ['e', true, 3],
      [null, true, 4],
    ])
    expect(bob.news()).toEqual([])
    expect(carol.news().at(-1)).toEqual([null, true, 6])
    say('c', false)
    vi.advanceTimersByTime(1_060)
    const named = (users: readonly string[]) => users.map((user) => [user, true, users.length] as const)
    expect(alice.news().slice(1)).toEqual(named(['d', 'e', 'f']))
    expect(carol.news().slice(1)).toEqual(named(['a', 'b', 'd', 'e', 'f']))
    expect(bob.news().filter(([userId]) => userId !== null)).toEqual([])
  })
})

describe('a notice', () => {
  test('that is old is not heard, and no clock makes somebody type longer than seven seconds', () => {
    const { rooms, connect, say } = open()
    const bob = connect('bob')
    say('alice', true, 0)
    say('alice', true, -1_000)
    say('alice', true, -86_400_000)
    expect(bob.told).toEqual([])
    say('alice', true, 86_400_000)
    expect(bob.told[0]?.expiresAt).toBe(new Date(Date.now() + 7_000).toISOString())
    vi.advanceTimersByTime(7_100)
    expect(rooms.size).toBe(0)
  })

  test('is not heard while the lease has lapsed, and then nothing of before is told either', () => {
    const { rooms, routing, connect, start } = open()
    const bob = connect('bob')
    for (const user of [...five, 'f']) start(user)
    bob.news()
    routing.lapsed = true
    start('g')
    vi.advanceTimersByTime(2_000)
    expect(bob.news()).toEqual([])
    expect([rooms.size, vi.getTimerCount()]).toEqual([0, 0])
  })

  test('of more users than may be members where typing is told is not kept', () => {
    const { connect, start } = open()
    const bob = connect('bob')
    for (let count = 0; count < 300; count++) start(`${count}`)
    vi.advanceTimersByTime(1_060)
    expect(bob.news().at(-1)).toEqual([null, true, 200])
  })
})

import { randomUUID } from 'node:crypto'
import type { Conversation, HubEvent } from '@parley/protocol'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Participant } from '../src/participant.ts'
import { startSystem, type System } from '../src/start-system.ts'
import { joinToWatch, type Watcher } from '../src/watching.ts'

vi.setConfig({ testTimeout: 60_000 })
const PATIENCE = { timeout: 20_000, interval: 50 }
/** A block holds on all gateways after so long. */
const SOON = { timeout: 2_000, interval: 20 }

let system: System
beforeAll(async () => void (system = await startSystem()), 120_000)
afterAll(() => system?.[Symbol.asyncDispose]())

interface Person extends Watcher {
  readonly typing: HubEvent<'Typing'>[]
}

async function joinAs(gatewayUrl: string, name: string): Promise<Person> {
  const person = await joinToWatch(gatewayUrl, `${name} ${randomUUID()}`)
  const typing: Person['typing'] = []
  person.connection.on('Typing', (event: HubEvent<'Typing'>) => typing.push(event))
  return { ...person, typing }
}

const createDirect = (creator: Participant, other: Participant) =>
  creator.invoke<Conversation>('CreateConversation', { kind: 'direct', memberIds: [other.user.id] })
const block = (blocker: Participant, blocked: Participant) => blocker.invoke('BlockUser', { userId: blocked.user.id })
const unblock = (blocker: Participant, blocked: Participant) =>
  blocker.invoke('UnblockUser', { userId: blocked.user.id })

/** Somebody types until it is told to somebody else. */
const typeUntilTold = (typist: Participant, conversationId: string, hearer: Person) =>
  vi.waitUntil(async () => {
    await typist.invoke('StartTyping', { conversationId })
    return hearer.typing.some((event) => event.conversationId === conversationId && event.userId === typist.user.id)
  }, PATIENCE)

test('nothing comes from whom one has blocked but what they say in groups, on any gateway, until it ends', async () => {
  await using stack = new AsyncDisposableStack()
  const [first, second] = system.gatewayUrls
  const ann = stack.use(await joinAs(first, 'ann'))
  const bob = stack.use(await joinAs(second, 'bob'))
  const carol = stack.use(await joinAs(second, 'carol'))
  const direct = await createDirect(ann, bob)
  const group = await carol.invoke<Conversation>('CreateConversation', {
    kind: 'group',
    memberIds: [ann.user.id, bob.user.id],
  })
  await bob.say(direct.id, 'hello')
  await expect.poll(() => ann.heard.map(({ text }) => text), PATIENCE).toEqual(['hello'])
  await ann.watch([bob.user.id])
  await bob.watch([ann.user.id])
  const seen = () => [ann.statusOf(bob.user.id), bob.statusOf(ann.user.id)]
  await expect.poll(seen, PATIENCE).toEqual(['online', 'online'])

  await block(ann, bob)
  expect(await ann.invoke('ListBlockedUsers', {})).toEqual({ userIds: [bob.user.id] })
  expect(await bob.invoke('ListBlockedUsers', {})).toEqual({ userIds: [] })
  for (const [person, other] of [
    [ann, bob],
    [bob, ann],
  ] as const) {
    await expect(person.say(direct.id, 'blocked')).rejects.toThrow('direct_blocked: ')
    expect((await createDirect(person, other)).id).toBe(direct.id)
    expect(await person.invoke('StartTyping', { conversationId: direct.id })).toEqual({})
  }
  await expect.poll(seen, SOON).toEqual(['unknown', 'unknown'])
  await bob.say(group.id, 'to all')
  await expect.poll(() => ann.heard.map(({ text }) => text), PATIENCE).toEqual(['hello', 'to all'])
  await typeUntilTold(bob, group.id, carol)
  await typeUntilTold(carol, group.id, ann)
  expect(ann.typing.map(({ userId, count }) => [userId, count])).toEqual([[carol.user.id, 1]])
  expect(bob.typing.filter(({ conversationId }) => conversationId === direct.id)).toEqual([])

  await unblock(ann, bob)
  await expect.poll(seen, PATIENCE).toEqual(['online', 'online'])
  await bob.say(direct.id, 'again')
  await expect.poll(() => ann.heard.map(({ text }) => text), PATIENCE).toEqual(['hello', 'to all', 'again'])
  await typeUntilTold(bob, direct.id, ann)
})

test('who is blocked can not make a conversation appear', async () => {
  await using stack = new AsyncDisposableStack()
  const [first, second] = system.gatewayUrls
  const ann = stack.use(await joinAs(first, 'ann'))
  const bob = stack.use(await joinAs(second, 'bob'))
  await block(ann, bob)
  await expect(createDirect(bob, ann)).rejects.toThrow('direct_blocked: ')
  await expect(block(ann, ann)).rejects.toThrow('invalid_input: ')
  await expect(ann.invoke('BlockUser', { userId: randomUUID() })).rejects.toThrow('user_not_found: ')
  await unblock(ann, bob)
  const { id } = await createDirect(bob, ann)
  await expect.poll(() => ann.conversations.map((conversation) => conversation.id), PATIENCE).toEqual([id])
})

test('of many messages on both gateways none that is sent after a block was answered is accepted, or comes', async () => {
  await using stack = new AsyncDisposableStack()
  const [first, second] = system.gatewayUrls
  const ann = stack.use(await joinAs(first, 'ann'))
  const senders = await Promise.all([first, second].map((url) => joinAs(url, 'bob')))
  for (const sender of senders) stack.use(sender)
  for (const bob of senders) {
    const { id: conversationId } = await createDirect(bob, ann)
    const accepted: { startedAt: number; text: string }[] = []
    const refused: { startedAt: number; error: unknown }[] = []
    let stopped = false
    const sending = Array.from({ length: 10 }, async (_, lane) => {
      for (let index = 0; !stopped; index += 1) {
        const text = `${lane} ${index}`
        const startedAt = performance.now()
        await bob.say(conversationId, text).then(
          () => accepted.push({ startedAt, text }),
          (error: unknown) => refused.push({ startedAt, error }),
        )
      }
    })
    await vi.waitUntil(() => accepted.length > 50, PATIENCE)
    await block(ann, bob)
    const answeredAt = performance.now()
    await vi.waitUntil(() => refused.length > 50, PATIENCE)
    stopped = true
    await Promise.all(sending)
    expect(accepted.filter(({ startedAt }) => startedAt > answeredAt)).toEqual([])
    for (const { error } of refused) expect(String(error)).toContain('direct_blocked: ')
    const heard = () => ann.heard.filter((message) => message.conversationId === conversationId)
    await expect.poll(() => heard().length, PATIENCE).toBe(accepted.length)
    expect(new Set(heard().map(({ text }) => text))).toEqual(new Set(accepted.map(({ text }) => text)))
  }
})

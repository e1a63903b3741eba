import { randomUUID } from 'node:crypto'
import type { Conversation, HubEvent } from '@parley/protocol'
import { connect } from 'nats'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { join, signIn, type Participant } from '../src/participant.ts'
import { startSystem, type System } from '../src/start-system.ts'
import { joinToWatch } from '../src/watching.ts'

vi.setConfig({ testTimeout: 60_000 })
const PATIENCE = { timeout: 20_000, interval: 50 }
const CAP = 3

let system: System
beforeAll(async () => {
  system = await startSystem({ environment: { GATEWAY_CONNECTIONS_PER_USER: String(CAP) } })
}, 120_000)
afterAll(() => system?.[Symbol.asyncDispose]())

const createGroup = (creator: Participant, memberIds: readonly string[]) =>
  creator.invoke<Conversation>('CreateConversation', { kind: 'group', title: 'All', memberIds })

test('what a user chooses is seen by those who watch and said to other services; being invisible is being offline', async () => {
  await using stack = new AsyncDisposableStack()
  const [first, second] = system.gatewayUrls
  const nats = await connect({ servers: system.natsUrl })
  stack.defer(() => nats.close())
  const ann = stack.use(await join(first, `ann ${randomUUID()}`))
  const watcher = stack.use(await joinToWatch(second, `watcher ${randomUUID()}`))
  const said: [string, string][] = []
  nats.subscribe(`presence.event.*.${ann.user.id}`, {
    callback: (_error, message) => {
      const { status } = JSON.parse(message.string()) as { status: string }
      said.push([message.subject.split('.')[2]!, status])
    },
  })
  await createGroup(watcher, [ann.user.id])
  await watcher.watch([ann.user.id])
  const isSeenAs = (status: string) => expect.poll(() => watcher.statusOf(ann.user.id), PATIENCE).toBe(status)
  await isSeenAs('online')

  await ann.invoke('SetStatus', { status: 'away' })
  await isSeenAs('away')
  await ann.say((await createGroup(ann, [])).id, 'back')
  await isSeenAs('online')
  const until = new Date(Date.now() + 6_000).toISOString()
  await ann.invoke('SetStatus', { status: 'busy', text: 'In a meeting', until })
  await isSeenAs('busy')
  await isSeenAs('online')
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(until))
  await ann.invoke('SetStatus', { status: 'invisible' })
  await isSeenAs('offline')
  await ann.invoke('SetStatus', { status: 'online', visibleTo: 'nobody' })
  await isSeenAs('unknown')
  // The first may still tell of the coming.
  expect(said.slice(-5)).toEqual([
    ['status-changed', 'online'],
    ['status-changed', 'busy'],
    ['status-changed', 'online'],
    ['user-offline', 'offline'],
    ['user-online', 'online'],
  ])
})

test('of one connection too many, on whichever gateway, the oldest is closed for good and told why', async () => {
  await using stack = new AsyncDisposableStack()
  const name = `many ${randomUUID()}`
  const ended: { reason: string; index: number }[] = []
  const closed: (string | undefined)[] = []
  const devices: Participant[] = []
  for (let index = 0; index <= CAP; index += 1) {
    const device = await join(system.gatewayUrls[index % 2]!, name, {
      prepare(connection) {
        connection.on('SessionEnding', ({ reason }: HubEvent<'SessionEnding'>) => ended.push({ reason, index }))
        connection.onclose((error) => closed.push(error?.message))
      },
    })
    devices.push(stack.use(device))
  }
  await expect.poll(() => closed, PATIENCE).toHaveLength(1)
  expect(closed[0]).toContain('too_many_connections: ')
  expect(ended).toEqual([{ reason: 'too_many_connections', index: 0 }])
  for (const device of devices.slice(1)) expect(await device.invoke('GetMe', {})).toMatchObject({ id: device.user.id })
})

test('who types is told on all gateways until they stop or send, and not in conversations of more than 200', async () => {
  await using stack = new AsyncDisposableStack()
  const [first, second] = system.gatewayUrls
  const ann = stack.use(await join(first, `ann ${randomUUID()}`))
  const told: HubEvent<'Typing'>[] = []
  const bob = stack.use(
    await join(second, `bob ${randomUUID()}`, {
      prepare: (connection) => connection.on('Typing', (event: HubEvent<'Typing'>) => told.push(event)),
    }),
  )
  const small = await createGroup(ann, [bob.user.id])
  expect(small.capabilities.typing).toBe(true)
  await expect.poll(() => bob.conversations.length, PATIENCE).toBe(1)
  // Said again and again, as a client does: the first may come before bob's gateway hears the conversation.
  const type = () => ann.invoke('StartTyping', { conversationId: small.id })
  await expect.poll(async () => [await type(), told.map(({ active }) => active)].at(1), PATIENCE).toEqual([true])
  expect(told[0]).toMatchObject({ conversationId: small.id, userId: ann.user.id, count: 1 })
  await ann.say(small.id, 'said')
  await expect.poll(() => told.map(({ active }) => active), PATIENCE).toEqual([true, false])

  const large = await createGroup(ann, [bob.user.id])
  const others = await Promise.all(Array.from({ length: 199 }, (_, index) => signIn(first, `other ${index}`)))
  const userIds = others.map(({ user }) => user.id)
  for (const part of [userIds.slice(0, 100), userIds.slice(100)]) {
    await ann.invoke('AddMembers', { conversationId: large.id, userIds: part })
  }
  const { capabilities, memberCount } = await ann.invoke<Conversation>('GetConversation', { conversationId: large.id })
  expect([memberCount, capabilities.typing]).toEqual([201, false])
  await expect(ann.invoke('StartTyping', { conversationId: large.id })).rejects.toThrow('typing_not_offered: ')
})

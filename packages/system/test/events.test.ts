import type { Conversation, Message } from '@parley/protocol'
import { AckPolicy, connect } from 'nats'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { join, type Participant } from '../src/participant.ts'
import { startSystem, type System } from '../src/start-system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
}, 180_000)
afterAll(() => system?.[Symbol.asyncDispose]())

interface Told {
  readonly kind: string
  readonly messageId: string | undefined
  readonly event: { readonly version?: number; readonly conversationId: string; readonly message?: Message }
}

const STREAM = 'MESSAGING'
const CONSUMER = 'search-index'

/** As a service of somebody else's would: connects, takes what there is, and goes. Every third event it forgets to acknowledge. */
async function hearSome(told: Told[], conversationId: string): Promise<number> {
  const nats = await connect({ servers: new URL(system.natsUrl).host })
  try {
    const manager = await nats.jetstreamManager()
    await manager.consumers.add(STREAM, {
      durable_name: CONSUMER,
      ack_policy: AckPolicy.Explicit,
      ack_wait: 1_000_000_000,
      filter_subject: `messaging.event.*.${conversationId}`,
    })
    const consumer = await nats.jetstream().consumers.get(STREAM, CONSUMER)
    let heard = 0
    for await (const message of await consumer.fetch({ max_messages: 40, expires: 1_000 })) {
      heard += 1
      const [, , kind = ''] = message.subject.split('.')
      told.push({ kind, messageId: message.headers?.get('Nats-Msg-Id'), event: message.json() })
      if (heard % 3 !== 0 || message.redelivered) message.ack()
    }
    return heard
  } finally {
    await nats.close()
  }
}

/** Something of everything that is a change of a conversation. */
async function liveAWhile(alice: Participant, bob: Participant, conversationId: string): Promise<void> {
  for (let round = 0; round < 8; round += 1) {
    const { id: messageId } = await alice.say(conversationId, `round ${round}`)
    const place = { conversationId, messageId }
    await bob.persist('AddReaction', { ...place, emoji: '👍' })
    await alice.persist('EditMessage', { ...place, text: `round ${round}, edited` })
    await bob.persist('MarkRead', { conversationId, sequence: round + 1 })
    await alice.persist('UpdateConversation', { conversationId, title: `round ${round}` })
    await alice.persist('ChangeRole', {
      conversationId,
      userId: bob.user.id,
      role: round % 2 === 0 ? 'admin' : 'member',
    })
    if (round === 4) await alice.persist('DeleteMessage', place)
  }
}

test('another service hears of every change of a conversation, by version, though it comes and goes and messaging dies', async () => {
  const [first, second] = system.gatewayUrls
  await using alice = await join(first, 'alice')
  await using bob = await join(second, 'bob')
  await using carol = await join(second, 'carol')
  const { id: conversationId } = await alice.invoke<Conversation>('CreateConversation', {
    kind: 'group',
    memberIds: [bob.user.id],
  })
  const told: Told[] = []
  await hearSome(told, conversationId)
  const living = liveAWhile(alice, bob, conversationId)
  await hearSome(told, conversationId)
  await system.kill('messaging')
  await living
  await alice.persist('AddMembers', { conversationId, userIds: [carol.user.id] })
  await alice.persist('RemoveMember', { conversationId, userId: carol.user.id })

  const { version } = await alice.invoke<Conversation>('GetConversation', { conversationId })
  const versionsOf = () => new Set(told.map(({ event }) => event.version).filter((one) => one !== undefined))
  await expect
    .poll(
      async () => {
        await hearSome(told, conversationId)
        return versionsOf().size
      },
      { timeout: 60_000 },
    )
    .toBe(version)
  expect([...versionsOf()].toSorted((a, b) => a - b)).toEqual(Array.from({ length: version }, (_, index) => index + 1))
  // What came again says so by its id, and tells of the same.
  for (const { kind, messageId, event } of told) {
    if (event.version === undefined) continue
    expect(messageId).toBe(`${conversationId}.${event.version}`)
    const twins = told.filter((other) => other.event.version === event.version)
    expect(new Set(twins.map((twin) => twin.kind))).toEqual(new Set([kind]))
  }
  expect(new Set(told.map(({ kind }) => kind))).toEqual(
    new Set([
      'conversation-created',
      'conversation-updated',
      'member-changed',
      'member-joined',
      'member-left',
      'message-created',
      'message-updated',
      'receipts-advanced',
    ]),
  )
  const deleted = told.find(({ event }) => (event.message?.deletedAt ?? null) !== null)
  expect(deleted?.event.message?.text).toBe('')
}, 150_000)

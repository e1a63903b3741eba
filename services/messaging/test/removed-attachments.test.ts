import { must, serve } from '@parley/bus'
import { media } from '@parley/contracts'
import { v4, v7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteMessage } from '../src/changes/change-message.ts'
import { audit } from './audit.ts'
import { retention } from './written.ts'
import { actorOf, messageOf, newUser, openWorld, type World } from './world.ts'

const WAIT = { timeout: 15_000 }

let world: World
/** Resolves with what `media` waits for before it answers. */
let answering: Promise<void> = Promise.resolve()
let attachesAsked = 0
beforeAll(async () => {
  world = await openWorld({ instances: 2 })
  await serve(world.bus, media, {
    async attachUploads({ uploadIds }) {
      attachesAsked += 1
      await answering
      return { attachments: uploadIds.map(attachmentOf) }
    },
    releaseUploads: async () => ({}),
  })
})
afterAll(() => world[Symbol.asyncDispose]())

const nothingKnown = { width: null, height: null, blurhash: null, durationMs: null, pages: null }
const attachmentOf = (id: string) => ({ id, name: 'notes.txt', type: 'text/plain', size: 5, ...nothingKnown })

async function messageWith(attachments: string[]) {
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  const input = { id: v7(), text: 'look', attachments }
  const { id: messageId } = messageOf(await world.send(alice, conversationId, input))
  const remove = () => world.calls.deleteMessage({ actor: actorOf(alice), conversationId, messageId })
  return { alice, conversationId, messageId, input, remove }
}

/** Everything that was committed until now has been told. */
const allTold = () => expect.poll(() => world.db.selectFrom('outbox').select('id').execute(), WAIT).toEqual([])

/** What the stream holds: told again it is not there twice. */
async function keptOf(conversationId: string): Promise<number> {
  const subject = subjectOf(conversationId)
  const { streams } = await world.bus.nats.jetstreamManager()
  const { state } = await streams.info('MESSAGING', { subjects_filter: subject })
  return state.subjects?.[subject] ?? 0
}

const subjectOf = (conversationId: string) => `messaging.event.attachments-removed.${conversationId}`
const toldOf = (conversationId: string) => world.events.filter(({ subject }) => subject === subjectOf(conversationId))

test('of a message that is deleted, by many at once, other services hear once which files it had', async () => {
  const uploadIds = [v4(), v4()]
  const { conversationId, messageId, remove } = await messageWith(uploadIds)
  for (const answer of await Promise.all(Array.from({ length: 6 }, remove))) {
    expect(must(answer)).toMatchObject({ attachments: [], deletedAt: expect.any(String) })
  }
  await allTold()
  expect(await keptOf(conversationId)).toBe(1)
  expect(toldOf(conversationId)[0]?.payload).toEqual({ conversationId, messageId, uploadIds })
})

test('of a message without files, and of one that is edited, nothing is heard of files', async () => {
  const { alice, conversationId, messageId } = await messageWith([v4()])
  must(await world.calls.editMessage({ actor: actorOf(alice), conversationId, messageId, text: '' }))
  const { id: without } = messageOf(await world.send(alice, conversationId))
  must(await world.calls.deleteMessage({ actor: actorOf(alice), conversationId, messageId: without }))
  await allTold()
  expect(await keptOf(conversationId)).toBe(0)
})

test('an instance that deletes a message and dies before it tells of it leaves that to another', async () => {
  const uploadIds = [v4()]
  const { alice, conversationId, messageId } = await messageWith(uploadIds)
  await allTold()
  const { told } = await deleteMessage(world.db, {
    conversationId,
    messageId,
    actorId: alice,
    retention,
  })
  expect(told?.id).toEqual(expect.any(Number))
  await allTold()
  expect(await keptOf(conversationId)).toBe(1)
  expect(toldOf(conversationId)[0]?.payload).toEqual({ conversationId, messageId, uploadIds })
})

test('a retry of a message that is deleted meanwhile gets what is left of it, and brings no file back', async () => {
  const uploadIds = [v4(), v4()]
  const { alice, conversationId, messageId, input, remove } = await messageWith(uploadIds)
  const asked = attachesAsked
  const answer = Promise.withResolvers<void>()
  answering = answer.promise
  const retrying = world.send(alice, conversationId, input)
  await expect.poll(() => attachesAsked).toBe(asked + 1)
  const deleted = must(await remove())
  answer.resolve()
  expect(messageOf(await retrying)).toEqual({ ...deleted, duplicate: true })
  await allTold()
  expect(await keptOf(conversationId)).toBe(1)
  expect(must(await world.calls.listAttachments({ messageIds: [messageId] }))).toEqual({ messages: [] })
  expect(await audit(world.db)).toEqual([])
})

test('`media` is told the uploads of messages that are stored and not deleted, whatever else it asks for', async () => {
  const [one, other, gone] = await Promise.all([messageWith([v4(), v4()]), messageWith([v4()]), messageWith([v4()])])
  const { id: without } = messageOf(await world.send(one.alice, one.conversationId))
  must(await gone.remove())
  const messageIds = [one, other, gone].map(({ messageId }) => messageId)
  const { messages } = must(await world.calls.listAttachments({ messageIds: [...messageIds, without, v7()] }))
  expect(new Map(messages.map(({ messageId, uploadIds }) => [messageId, uploadIds]))).toEqual(
    new Map([
      [one.messageId, one.input.attachments],
      [other.messageId, other.input.attachments],
      [without, []],
    ]),
  )
})

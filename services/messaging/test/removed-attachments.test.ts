import { must, serve } from '@parley/bus'
import { media } from '@parley/contracts'
import { v4, v7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { actorOf, messageOf, newUser, openWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
  await serve(world.bus, media, {
    attachUploads: async ({ uploadIds }) => ({ attachments: uploadIds.map(attachmentOf) }),
    releaseUploads: async () => ({}),
  })
})
afterAll(() => world[Symbol.asyncDispose]())

const nothingKnown = { width: null, height: null, blurhash: null, durationMs: null, pages: null }
const attachmentOf = (id: string) => ({ id, name: 'notes.txt', type: 'text/plain', size: 5, ...nothingKnown })
const removedOf = (conversationId: string) =>
  world.events.filter(({ subject }) => subject === `messaging.event.attachments-removed.${conversationId}`)
const sees = async (userId: string, conversationId: string, messageId: string) =>
  must(await world.calls.seesMessage({ userId, conversationId, messageId })).sees

test('of a message that is deleted other services hear which files it had, once, and of one without files nothing', async () => {
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  const attachments = [v4(), v4()]
  const withFiles = messageOf(await world.send(alice, conversationId, { text: '', attachments }))
  const without = messageOf(await world.send(alice, conversationId, {}))
  const remove = (messageId: string) => world.calls.deleteMessage({ actor: actorOf(alice), conversationId, messageId })
  expect(must(await world.calls.listAttachments({ messageIds: [withFiles.id, without.id, v7()] }))).toEqual({
    messages: expect.arrayContaining([
      { messageId: withFiles.id, uploadIds: attachments },
      { messageId: without.id, uploadIds: [] },
    ]),
  })
  await remove(without.id)
  for (let time = 0; time < 2; time += 1) must(await remove(withFiles.id))
  const payload = { conversationId, messageId: withFiles.id, uploadIds: attachments }
  await expect.poll(() => removedOf(conversationId).map((event) => event.payload), WAIT).toEqual([payload])
  expect(must(await world.calls.listAttachments({ messageIds: [withFiles.id, without.id] }))).toEqual({ messages: [] })
})

test('it is told also when the process died right after the message was deleted', async () => {
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  const attachments = [v4()]
  const { id: messageId } = messageOf(await world.send(alice, conversationId, { text: '', attachments }))
  // What was committed and not told: the outbox is all that is left of it.
  await world.db
    .insertInto('outbox')
    .values({
      events: JSON.stringify([{ kind: 'attachments-removed', conversationId, messageId, uploadIds: attachments }]),
      claimedUntil: null,
    })
    .execute()
  const payload = { conversationId, messageId, uploadIds: attachments }
  await expect.poll(() => removedOf(conversationId).map((event) => event.payload), WAIT).toEqual([payload])
})

test('a message is seen by members, from where their history begins, until it is deleted or they leave', async () => {
  const [alice, bob, carol] = [newUser(), newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(alice, [bob])
  const { id: early } = messageOf(await world.send(alice, conversationId, {}))
  must(await world.calls.addMembers({ actor: actorOf(alice), conversationId, userIds: [carol] }))
  const { id: late } = messageOf(await world.send(alice, conversationId, {}))
  const { id: elsewhere } = await world.createGroup(alice)

  expect(await sees(bob, conversationId, early)).toBe(true)
  expect(await sees(carol, conversationId, early)).toBe(false)
  expect(await sees(carol, conversationId, late)).toBe(true)
  expect(await sees(newUser(), conversationId, late)).toBe(false)
  expect(await sees(alice, elsewhere, late)).toBe(false)
  expect(await sees(alice, conversationId, v7())).toBe(false)

  must(await world.calls.removeMember({ actor: actorOf(alice), conversationId, userId: bob }))
  expect(await sees(bob, conversationId, early)).toBe(false)
  must(await world.calls.deleteMessage({ actor: actorOf(alice), conversationId, messageId: late }))
  for (const userId of [alice, carol]) expect(await sees(userId, conversationId, late)).toBe(false)
})

const WAIT = { timeout: 15_000 }

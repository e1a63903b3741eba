import { must, serve } from '@parley/bus'
import { media } from '@parley/contracts'
import { v4 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exportThrough } from './erase.ts'
import { DAY_MS } from './expire.ts'
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

const sent = async (...parameters: Parameters<World['send']>) => messageOf(await world.send(...parameters))
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

async function exported(userId: string) {
  const { all } = await exportThrough(world.calls, userId)
  const of = (kind: string) => all.filter((record) => record.kind === kind).map(({ data }) => data)
  return { all, of }
}

test('what is kept of a user is exported: settings, blocks, memberships, messages, edits and reactions', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const { id: group } = await world.createGroup(bob, [alice])
  const upload = v4()
  const mine = await sent(alice, group, { text: 'one', mentions: [bob], attachments: [upload] })
  must(await world.calls.editMessage({ actor: actorOf(alice), conversationId: group, messageId: mine.id, text: 'two' }))
  const other = await sent(bob, group, { text: 'private to bob' })
  must(
    await world.calls.addReaction({ actor: actorOf(alice), conversationId: group, messageId: other.id, emoji: '👍' }),
  )
  must(await world.calls.addReaction({ actor: actorOf(bob), conversationId: group, messageId: mine.id, emoji: '🎉' }))
  must(await world.calls.blockUser({ actor: actorOf(alice), userId: bob }))
  must(await world.calls.updateSettings({ actor: actorOf(alice), privateRead: true }))

  const { all, of } = await exported(alice)
  expect(of('settings')).toEqual([{ privateRead: true }])
  expect(of('blocks')).toEqual([{ userId: bob, blockedAt: time }])
  expect(of('memberships')).toEqual([
    {
      conversationId: group,
      kind: 'group',
      title: null,
      role: 'member',
      joinedAt: time,
      leftAt: null,
      deliveredSequence: 0,
      readSequence: 1,
      mutedUntil: null,
    },
  ])
  expect(of('messages')).toEqual([
    {
      id: mine.id,
      conversationId: group,
      sequence: 1,
      text: 'two',
      attachments: [attachmentOf(upload)],
      replyTo: null,
      mentions: [bob],
      createdAt: time,
      editedAt: time,
      deletedAt: null,
    },
  ])
  expect(of('edits')).toEqual([
    { conversationId: group, messageId: mine.id, text: 'one', mentions: [bob], replacedAt: time },
  ])
  expect(of('reactions')).toEqual([{ conversationId: group, messageId: other.id, emoji: '👍', reactedAt: time }])
  // Nothing that others said or gave.
  expect(JSON.stringify(all)).not.toContain('private to bob')
  expect(JSON.stringify(all)).not.toContain('🎉')
})

test('a deleted message has no text, one of a group they have left is there, and one that has expired is not', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(bob, [alice])
  const expired = await sent(alice, conversationId, { text: 'expired' })
  const deleted = await sent(alice, conversationId, { text: 'deleted' })
  await sent(alice, conversationId, { text: 'before leaving' })
  must(await world.calls.deleteMessage({ actor: actorOf(alice), conversationId, messageId: deleted.id }))
  must(await world.calls.leaveConversation({ actor: actorOf(alice), conversationId }))
  const createdAt = new Date(Date.now() - 366 * DAY_MS)
  await world.db.updateTable('messages').set({ createdAt }).where('id', '=', expired.id).execute()

  const { of } = await exported(alice)
  expect(of('memberships')).toMatchObject([{ conversationId, leftAt: time }])
  expect(of('messages').map(({ text, deletedAt }) => ({ text, deletedAt }))).toEqual([
    { text: '', deletedAt: time },
    { text: 'before leaving', deletedAt: null },
  ])
})

test('much is exported in bounded pages, each record once and in order, also in the middle of edits', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const long = 'ü'.repeat(10_000)
  const groups = []
  for (let index = 0; index < 60; index++) groups.push((await world.createGroup(bob, [alice])).id)
  const ids: string[] = []
  for (const conversationId of groups.slice(0, 3)) {
    for (let index = 0; index < 25; index++) ids.push((await sent(alice, conversationId, { text: long })).id)
  }
  const [first] = ids
  const edits = Array.from({ length: 45 }, (_, version) => ({ messageId: first!, version: version + 1, text: long }))
  const replacedAt = new Date()
  await world.db
    .insertInto('messageEdits')
    .values(edits.map((edit) => ({ ...edit, mentions: [], replacedAt })))
    .execute()
  await world.db.updateTable('messages').set({ editedAt: replacedAt }).where('id', '=', first!).execute()

  const { pages, all } = await exportThrough(world.calls, alice)
  expect(pages.length).toBeGreaterThan(4)
  for (const page of pages) expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(420 * 1024)
  const of = (kind: string) => all.filter((record) => record.kind === kind).map(({ data }) => data)
  expect(of('settings')).toHaveLength(1)
  expect(of('memberships').map(({ conversationId }) => conversationId)).toEqual(groups.toSorted())
  const exportedIds = of('messages').map(({ id }) => id)
  expect(exportedIds).toHaveLength(ids.length)
  expect(new Set(exportedIds)).toEqual(new Set(ids))
  expect(of('edits')).toHaveLength(45)
  expect(of('edits').every(({ messageId }) => messageId === first)).toBe(true)
})

test('of somebody unknown there are their settings alone, and a cursor that cannot be read begins anew', async () => {
  const userId = newUser()
  const settings = [{ kind: 'settings', data: { privateRead: false } }]
  expect(must(await world.calls.exportUser({ userId, cursor: null }))).toEqual({
    records: settings,
    files: [],
    cursor: null,
  })
  expect(must(await world.calls.exportUser({ userId, cursor: '{"step":' })).records).toEqual(settings)
})

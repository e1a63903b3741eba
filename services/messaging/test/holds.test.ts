import { randomUUID } from 'node:crypto'
import { must, serve } from '@parley/bus'
import { media } from '@parley/contracts'
import { sql } from 'kysely'
import { v4, v7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { changeHolds } from '../src/store/holds.ts'
import { keepIfHeld } from '../src/store/held-messages.ts'
import { hold } from './hold.ts'
import { expireThrough } from './expire.ts'
import { actorOf, messageOf, newUser, openWorld, refusalOf, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld({ instances: 2 })
  const nothingKnown = { width: null, height: null, blurhash: null, durationMs: null, pages: null }
  await serve(world.bus, media, {
    attachUploads: async ({ uploadIds }) => ({
      attachments: uploadIds.map((id) => ({ id, name: 'notes.txt', type: 'text/plain', size: 5, ...nothingKnown })),
    }),
    releaseUploads: async () => ({}),
  })
})
afterAll(() => world[Symbol.asyncDispose]())

async function messageOfAlice() {
  const [alice, bob] = [newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(alice, [bob])
  const attachments = [v4()]
  const sent = messageOf(await world.send(alice, conversationId, { id: v7(), text: 'first', attachments }))
  const messageId = sent.id
  const actor = actorOf(alice)
  must(await world.calls.editMessage({ actor, conversationId, messageId, text: 'second' }))
  must(await world.calls.addReaction({ actor: actorOf(bob), conversationId, messageId, emoji: '👍' }))
  return { alice, bob, actor, conversationId, messageId, attachments }
}

const place = (hold: { userId?: string; conversationId?: string }, id: string = randomUUID()) =>
  world.calls.applyHolds({ placed: [{ id, userId: null, conversationId: null, ...hold }], released: [] })

const heldCopy = (id: string) => world.db.selectFrom('heldMessages').selectAll().where('id', '=', id).executeTakeFirst()

const removalsOf = (conversationId: string) =>
  world.events.filter(({ subject }) => subject === `messaging.event.attachments-removed.${conversationId}`)

/** Everything that was committed until now has been told. */
const allTold = () =>
  expect.poll(() => world.db.selectFrom('outbox').select('id').execute(), { timeout: 15_000 }).toEqual([])

test.each(['user', 'conversation'] as const)(
  'of a held %s a deleted message is gone for everybody, and kept whole with its files until the hold ends',
  async (held) => {
    const { alice, bob, actor, conversationId, messageId, attachments } = await messageOfAlice()
    const id = randomUUID()
    must(await place(held === 'user' ? { userId: alice } : { conversationId }, id))
    must(await world.calls.deleteMessage({ actor, conversationId, messageId }))
    const { messages } = must(await world.calls.getMessages({ actor, conversationId }))
    expect(messages[0]).toMatchObject({ text: '', attachments: [], deletedAt: expect.any(String) })
    expect(await heldCopy(messageId)).toMatchObject({
      reason: 'deleted',
      uploadIds: attachments,
      content: {
        message: { text: 'second', senderId: alice },
        edits: [{ text: 'first' }],
        reactions: [{ emoji: '👍', userId: bob }],
      },
    })
    const asked = { messageIds: [messageId] }
    expect(must(await world.calls.listAttachments(asked)).messages).toEqual([{ messageId, uploadIds: attachments }])
    await expireThrough(world.calls)
    await allTold()
    expect(removalsOf(conversationId)).toEqual([])

    must(await world.calls.applyHolds({ placed: [], released: [id] }))
    expect(await heldCopy(messageId)).toBeDefined()
    expect(await expireThrough(world.calls)).toMatchObject({ 'postgres.released': 1, files: 1 })
    expect(await heldCopy(messageId)).toBeUndefined()
    await allTold()
    expect(removalsOf(conversationId)[0]?.payload).toEqual({ conversationId, messageId, uploadIds: attachments })
    expect(must(await world.calls.listAttachments(asked)).messages).toEqual([])
  },
)

test('a hold of others keeps nothing, and one of two that ends leaves the other', async () => {
  const { alice, actor, conversationId, messageId } = await messageOfAlice()
  const [one, two] = [randomUUID(), randomUUID()]
  must(await place({ userId: newUser() }))
  must(await place({ userId: alice }, one))
  must(await place({ conversationId }, two))
  const other = await messageOfAlice()
  must(await world.calls.deleteMessage({ actor, conversationId, messageId }))
  must(await world.calls.deleteMessage(other))
  expect(await heldCopy(other.messageId)).toBeUndefined()
  must(await world.calls.applyHolds({ placed: [], released: [one] }))
  await expireThrough(world.calls)
  expect(await heldCopy(messageId)).toBeDefined()
})

test('what is left of a held message that was deleted never replaces what it was', async () => {
  const { alice, actor, conversationId, messageId } = await messageOfAlice()
  must(await place({ userId: alice }))
  must(await world.calls.deleteMessage({ actor, conversationId, messageId }))
  const tombstone = await world.db
    .selectFrom('messages')
    .selectAll()
    .where('id', '=', messageId)
    .executeTakeFirstOrThrow()
  const kept = await world.db.transaction().execute((transaction) => keepIfHeld(transaction, [tombstone], 'expired'))
  expect(kept).toEqual(new Set([messageId]))
  expect(await heldCopy(messageId)).toMatchObject({ reason: 'deleted', content: { message: { text: 'second' } } })
})

test('the same holds again change nothing, and of a conversation that does not exist none begins', async () => {
  const { alice, conversationId } = await messageOfAlice()
  const placed = [
    { id: randomUUID(), userId: alice, conversationId: null },
    { id: randomUUID(), userId: null, conversationId },
  ]
  await Promise.all(Array.from({ length: 4 }, () => world.calls.applyHolds({ placed, released: [] }).then(must)))
  const stored = () =>
    world.db
      .selectFrom('holds')
      .selectAll()
      .where(
        'id',
        'in',
        placed.map(({ id }) => id),
      )
      .execute()
  expect(await stored()).toHaveLength(2)
  const unknown = { id: randomUUID(), userId: null, conversationId: newUser() }
  const besides = { id: randomUUID(), userId: alice, conversationId: null }
  expect(refusalOf(await world.calls.applyHolds({ placed: [besides, unknown], released: [placed[0]!.id] }))).toBe(
    'conversation_not_found',
  )
  expect(await stored()).toHaveLength(2)
  expect(await world.db.selectFrom('holds').select('id').where('id', '=', besides.id).execute()).toEqual([])
  const released = placed.map(({ id }) => id)
  must(await world.calls.applyHolds({ placed: [], released }))
  must(await world.calls.applyHolds({ placed: [], released }))
  expect(await stored()).toEqual([])
})

test('a hold that begins while something is destroyed waits for that, and is refused when it takes too long', async () => {
  await using held = await hold(world, sql`select pg_advisory_xact_lock_shared(hashtextextended('messaging.holds', 0))`)
  expect(refusalOf(await place({ userId: newUser() }))).toBe('unavailable')
  const waiting = changeHolds(world.db, {
    placed: [{ id: randomUUID(), userId: newUser(), conversationId: null }],
    released: [],
  })
  await held[Symbol.asyncDispose]()
  expect(await waiting).toBe(true)
})

test('deleted by many at once while a hold begins, a message is either gone with its files or held with them', async () => {
  for (let round = 0; round < 10; round++) {
    const { alice, actor, conversationId, messageId, attachments } = await messageOfAlice()
    await Promise.all([
      place({ userId: alice }).then(must),
      ...Array.from({ length: 3 }, () => world.calls.deleteMessage({ actor, conversationId, messageId }).then(must)),
    ])
    await allTold()
    const told = removalsOf(conversationId).length
    expect((await heldCopy(messageId))?.uploadIds ?? []).toEqual(told === 0 ? attachments : [])
  }
})

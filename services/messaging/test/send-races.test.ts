import { must } from '@parley/bus'
import { messaging, type RequestOf } from '@parley/contracts'
import { openPostgres } from '@parley/postgres'
import { silentLog, testDatabase } from '@parley/testing'
import { sql } from 'kysely'
import { v7 } from 'uuid'
import { expect, test, vi } from 'vitest'
import { audit } from './audit.ts'
import { cuttingProxy } from './cutting-proxy.ts'
import { hold, holdConversation } from './hold.ts'
import { actorOf, codeOf, messageOf, newUser, openWorld, type World } from './world.ts'

const { sendMessages } = messaging.calls

const historyOf = async (world: World, userId: string, conversationId: string) =>
  must(await world.calls.getMessages({ actor: actorOf(userId), conversationId, limit: 100 })).messages

/** As clients do: what is unavailable is tried again with the same ids. */
async function sendUntilKnown(world: World, sends: RequestOf<typeof sendMessages>['sends']): Promise<string[]> {
  for (;;) {
    const codes = must(await world.calls.sendMessages({ sends })).results.map(codeOf)
    if (!codes.includes('unavailable')) return codes
  }
}

test('of many equal sends at once, on two instances, one is stored and all get its result', async () => {
  await using world = await openWorld({ instances: 2 })
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  for (let round = 0; round < 5; round++) {
    const id = v7()
    const results = await Promise.all(Array.from({ length: 12 }, () => world.send(alice, conversationId, { id })))
    const messages = results.map(messageOf)
    expect(messages.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
    expect(new Set(messages.map(({ sequence }) => sequence)).size).toBe(1)
  }
  expect(await historyOf(world, alice, conversationId)).toHaveLength(5)
  expect(await audit(world.db)).toEqual([])
})

test('of sends with one id to many conversations at once, one wins and the others are told of the conflict', async () => {
  await using world = await openWorld({ instances: 2 })
  const alice = newUser()
  const conversations = await Promise.all(Array.from({ length: 10 }, () => world.createGroup(alice)))
  for (let round = 0; round < 5; round++) {
    const id = v7()
    const results = await Promise.all(
      conversations.map(async (conversation) => {
        const send = { actor: actorOf(alice), conversationId: conversation.id, text: 'same id' }
        const sends = [
          { ...send, id: v7() },
          { ...send, id },
          { ...send, id: v7() },
        ]
        return must(await world.calls.sendMessages({ sends })).results.map(codeOf)
      }),
    )
    const contested = results.map(([, code]) => code)
    expect(contested.filter((code) => code === 'sent')).toHaveLength(1)
    expect(contested.filter((code) => code === 'message_id_conflict')).toHaveLength(9)
    expect(results.every(([before, , after]) => before === 'sent' && after === 'sent')).toBe(true)
  }
  expect(await audit(world.db)).toEqual([])
})

test('two instances and many senders neither deadlock nor leave a gap, and each sender keeps their order', async () => {
  await using world = await openWorld({ instances: 2 })
  const users = Array.from({ length: 12 }, newUser)
  const conversations = await Promise.all(Array.from({ length: 6 }, () => world.createGroup(users[0]!, users.slice(1))))
  const hot = conversations[0]!
  await Promise.all(
    users.map(async (userId, user) => {
      for (let turn = 0; turn < 15; turn++) {
        const quiet = conversations[1 + ((user + turn) % (conversations.length - 1))]!
        const sends = [hot, quiet, hot, quiet].map(({ id }, index) => ({
          actor: actorOf(userId),
          conversationId: id,
          id: v7(),
          text: String(turn * 4 + index),
        }))
        // Every third request is lost on its way back, and tried again at the same time as it is worked on.
        const requests = turn % 3 === 0 ? [sends, sends] : [sends]
        const results = await Promise.all(requests.map((request) => sendUntilKnown(world, request)))
        for (const codes of results) expect(codes).toEqual(Array(4).fill('sent'))
      }
    }),
  )
  expect(await audit(world.db)).toEqual([])
  const { rows } = await sql<{ senderId: string; texts: number[] }>`
    select sender_id, array_agg(text::integer order by sequence) as texts
    from messages group by conversation_id, sender_id`.execute(world.db)
  expect(rows.flatMap(({ texts }) => texts)).toHaveLength(12 * 15 * 4)
  for (const { texts } of rows) expect(texts).toEqual(texts.toSorted((a, b) => a - b))
})

test('a conversation that is held elsewhere delays nobody but its own senders, who keep their order', async () => {
  await using world = await openWorld()
  const alice = newUser()
  const [stuck, free] = await Promise.all([world.createGroup(alice), world.createGroup(alice)])
  const held = await holdConversation(world, stuck.id)
  const first = world.send(alice, stuck.id, { text: 'first' })
  const begun = performance.now()
  for (let index = 0; index < 20; index++) expect(codeOf(await world.send(alice, free.id))).toBe('sent')
  expect(performance.now() - begun).toBeLessThan(1_500)
  const second = world.send(alice, stuck.id, { text: 'second' })
  // In one request with it, neighbours wait a moment and no longer.
  const together = performance.now()
  const sends = [stuck, free].map(({ id }) => ({ actor: actorOf(alice), conversationId: id, id: v7(), text: 'third' }))
  const { results } = must(await world.calls.sendMessages({ sends }))
  expect(results.map(codeOf)).toEqual(['unavailable', 'sent'])
  expect(performance.now() - together).toBeLessThan(1_500)
  await held[Symbol.asyncDispose]()
  expect([await first, await second].map((result) => messageOf(result).sequence)).toEqual([1, 2])
  // What was not waited for was written all the same, and a retry learns of it.
  const retried = must(await world.calls.sendMessages({ sends })).results.map(messageOf)
  expect(retried.map(({ duplicate }) => duplicate)).toEqual([true, true])
  expect((await historyOf(world, alice, stuck.id)).map(({ text }) => text)).toEqual(['first', 'second', 'third'])
})

test('a membership that is held elsewhere delays nobody but the sends of that member', async () => {
  await using world = await openWorld()
  const [alice, bob] = [newUser(), newUser()]
  const one = await world.createGroup(alice, [bob])
  const held = await hold(world, sql`select from members where user_id = ${bob} for update`)
  const stuck = world.send(bob, one.id, { text: 'stuck' })
  const begun = performance.now()
  for (let index = 0; index < 5; index++) {
    const { id } = await world.createGroup(alice)
    expect(codeOf(await world.send(alice, id))).toBe('sent')
  }
  expect(performance.now() - begun).toBeLessThan(1_500)
  await held[Symbol.asyncDispose]()
  expect(codeOf(await stuck)).toBe('sent')
  expect(await audit(world.db)).toEqual([])
})

test('a conversation that stays held is unavailable, and a retry afterwards stores the message once', async () => {
  await using world = await openWorld()
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  const id = v7()
  const held = await holdConversation(world, conversationId)
  expect(codeOf(await world.send(alice, conversationId, { id }))).toBe('unavailable')
  await held[Symbol.asyncDispose]()
  expect(messageOf(await world.send(alice, conversationId, { id }))).toMatchObject({ sequence: 1, duplicate: false })
})

test('who is removed while they send has sent everything before that and nothing after it', async () => {
  await using world = await openWorld({ instances: 2 })
  const [alice, bob] = [newUser(), newUser()]
  for (let round = 0; round < 5; round++) {
    const { id: conversationId } = await world.createGroup(alice, [bob])
    const sending = Promise.all(Array.from({ length: 10 }, () => world.send(bob, conversationId)))
    const removing = world.calls.removeMember({ actor: actorOf(alice), conversationId, userId: bob })
    const codes = (await sending).map(codeOf)
    must(await removing)
    expect(codes.every((code) => code === 'sent' || code === 'not_a_member')).toBe(true)
    const stored = await historyOf(world, alice, conversationId)
    expect(stored).toHaveLength(codes.filter((code) => code === 'sent').length)
    const { leftSequence } = await world.db
      .selectFrom('members')
      .select('leftSequence')
      .where('conversationId', '=', conversationId)
      .where('userId', '=', bob)
      .executeTakeFirstOrThrow()
    expect(leftSequence).toBe(stored.length)
  }
  expect(await audit(world.db)).toEqual([])
})

test('when the reply to a COMMIT is lost the answer is unavailable, and a retry gets the first result', async () => {
  await using database = await testDatabase('messaging')
  await using proxy = await cuttingProxy(database.url)
  await using world = await openWorld({ databaseUrl: database.url, instances: 0 })
  await world.startInstance({ POSTGRES_URL: proxy.url })
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  for (let round = 1; round <= 10; round++) {
    const id = v7()
    proxy.cutNextReplyTo('send_messages')
    expect(codeOf(await world.send(alice, conversationId, { id }))).toBe('unavailable')
    const message = messageOf(await world.send(alice, conversationId, { id }))
    expect(message).toMatchObject({ sequence: round, duplicate: true })
  }
  expect(proxy.cuts).toBe(10)
  expect(await audit(world.db)).toEqual([])
})

test('sends whose connection Postgres ends are unavailable, and stored once by a retry', async () => {
  await using database = await testDatabase('messaging')
  await using world = await openWorld({ databaseUrl: database.url })
  await using admin = openPostgres({ url: database.adminUrl, service: 'test', log: silentLog })
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  const id = v7()
  const held = await holdConversation(world, conversationId)
  const sending = world.send(alice, conversationId, { id })
  await vi.waitFor(async () => {
    const { rows } = await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and query like '%send_messages%' and wait_event_type = 'Lock'`.execute(
      admin.db,
    )
    expect(rows).toHaveLength(1)
  })
  expect(codeOf(await sending)).toBe('unavailable')
  await held[Symbol.asyncDispose]()
  expect(messageOf(await world.send(alice, conversationId, { id }))).toMatchObject({ sequence: 1, duplicate: false })
})

test('beyond its bound the queue refuses at once, and goes on with what it has', async () => {
  await using world = await openWorld({ instances: 0 })
  await world.startInstance({ MESSAGING_QUEUE_SENDS: '10' })
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  const held = await holdConversation(world, conversationId)
  const waiting = Array.from({ length: 10 }, () => world.send(alice, conversationId))
  await vi.waitFor(async () => expect(codeOf(await world.send(alice, conversationId))).toBe('overloaded'))
  await held[Symbol.asyncDispose]()
  expect((await Promise.all(waiting)).map(codeOf)).toEqual(Array(10).fill('sent'))
  expect(codeOf(await world.send(alice, conversationId))).toBe('sent')
})

test('a send that the database cannot take fails alone', async () => {
  await using world = await openWorld()
  const alice = newUser()
  const [one, two] = await Promise.all([world.createGroup(alice), world.createGroup(alice)])
  await sql`alter table messages add constraint no_poison check (text <> 'poison')`.execute(world.db)
  const texts = ['a', 'poison', 'b', 'c']
  const sends = texts.map((text, index) => ({
    actor: actorOf(alice),
    conversationId: index < 3 ? one.id : two.id,
    id: v7(),
    text,
  }))
  const { results } = must(await world.calls.sendMessages({ sends }))
  expect(results.map(codeOf)).toEqual(['sent', 'unavailable', 'sent', 'sent'])
  expect((await historyOf(world, alice, one.id)).map(({ text }) => text)).toEqual(['a', 'b'])
  expect(await audit(world.db)).toEqual([])
})

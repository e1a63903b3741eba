import { listen, must } from '@parley/bus'
import { BlockChange, messaging } from '@parley/contracts'
import { limits } from '@parley/protocol'
import { sql } from 'kysely'
import { v7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { directConversationId } from '../src/domain/direct-conversation.ts'
import { audit } from './audit.ts'
import { holdConversation, untilWaiting } from './hold.ts'
import { actorOf, codeOf, messageOf, newUser, openWorld, refusalOf, type World } from './world.ts'

let world: World
const notices: BlockChange[] = []
beforeAll(async () => {
  world = await openWorld({ instances: 2 })
  await listen(world.bus, messaging.notices.relationsChanged, {}, (data) => {
    notices.push(BlockChange.parse(JSON.parse(new TextDecoder().decode(data))))
  })
})
afterAll(() => world[Symbol.asyncDispose]())

const block = (userId: string, blockedId: string) =>
  world.calls.blockUser({ actor: actorOf(userId), userId: blockedId })
const unblock = (userId: string, blockedId: string) =>
  world.calls.unblockUser({ actor: actorOf(userId), userId: blockedId })
const blockedBy = async (userId: string) => must(await world.calls.listBlockedUsers({ actor: actorOf(userId) })).userIds
const createDirect = (userId: string, otherId: string) =>
  world.calls.createConversation({ actor: actorOf(userId), kind: 'direct', memberIds: [otherId] })
const relationsOf = async (userId: string, otherId: string) =>
  must(await world.calls.listRelations({ userId, otherIds: [otherId] })).relations
const noticesOf = (userId: string) => notices.filter((notice) => notice.userId === userId)

/** Two users and their direct conversation. */
async function pair() {
  const [alice, bob] = [newUser(), newUser()]
  const { id: conversationId } = must(await createDirect(alice, bob))
  return { alice, bob, conversationId }
}

describe('blocking', () => {
  test('lists whom one has blocked, the newest first; again, and ended twice, it changes nothing', async () => {
    const [alice, bob, carol] = [newUser(), newUser(), newUser()]
    for (const blockedId of [bob, carol, bob]) must(await block(alice, blockedId))
    expect(await blockedBy(alice)).toEqual([carol, bob])
    expect(await blockedBy(bob)).toEqual([])
    for (const blockedId of [bob, bob, newUser()]) must(await unblock(alice, blockedId))
    expect(await blockedBy(alice)).toEqual([carol])
    await vi.waitFor(() => expect(noticesOf(alice)).toHaveLength(3))
    const changed = (blockedId: string) => ({
      userId: alice,
      blockedId,
      conversationId: directConversationId(alice, blockedId),
    })
    expect(noticesOf(alice)).toEqual(expect.arrayContaining([changed(bob), changed(carol), changed(bob)]))
  })

  test('is refused of oneself and of who does not exist', async () => {
    const [alice, nobody] = [newUser(), newUser()]
    world.unknownUsers.add(nobody)
    expect(refusalOf(await block(alice, alice))).toBe('invalid_input')
    expect(refusalOf(await block(alice, nobody))).toBe('user_not_found')
    must(await unblock(alice, nobody))
    expect(await blockedBy(alice)).toEqual([])
  })

  test('is possible of so many and of not one more, however many are blocked at once', async () => {
    const alice = newUser()
    const [first] = await fill(alice, limits.blockedUsers - 5)
    const answers = await Promise.all(Array.from({ length: 20 }, () => block(alice, newUser())))
    const refused = answers.filter(({ ok }) => !ok)
    expect(refused.map(refusalOf)).toEqual(Array(15).fill('too_many_blocked'))
    expect(await blockedBy(alice)).toHaveLength(limits.blockedUsers)
    must(await block(alice, first!))
    must(await unblock(alice, first!))
    must(await block(alice, newUser()))
    expect(refusalOf(await block(alice, newUser()))).toBe('too_many_blocked')
  })

  test('is told to a gateway that asks what it has missed, in pages, and kept for a day', async () => {
    const [alice, bob] = [newUser(), newUser()]
    must(await block(alice, bob))
    must(await unblock(alice, bob))
    const many = newUser()
    await fill(many, 3_000)
    await sql`
      insert into block_changes (user_id, blocked_id, conversation_id, changed_at)
      select user_id, blocked_id, conversation_id, created_at from blocks where user_id = ${many}`.execute(world.db)
    const listed: BlockChange[] = []
    let after: { userId: string; blockedId: string } | undefined
    do {
      const page = must(
        await world.calls.listBlockChanges({ withinMs: 60_000, ...(after === undefined ? {} : { after }) }),
      )
      listed.push(...page.changes)
      after = page.next ?? undefined
    } while (after !== undefined)
    expect(listed).toContainEqual({ userId: alice, blockedId: bob, conversationId: directConversationId(alice, bob) })
    expect(listed.filter(({ userId }) => userId === many)).toHaveLength(3_000)
    expect(new Set(listed.map((change) => change.userId + change.blockedId)).size).toBe(listed.length)

    await sql`update block_changes set changed_at = changed_at - interval '25 hours'
      where user_id = ${alice}`.execute(world.db)
    must(await block(bob, alice))
    const { rows } = await sql`select from block_changes where user_id = ${alice}`.execute(world.db)
    expect(rows).toEqual([])
  })

  test('is known to a gateway when its user connects', async () => {
    const [alice, bob] = [newUser(), newUser()]
    await world.createGroup(bob)
    const hasBlocked = async () => {
      const { users } = must(await world.calls.listMemberships({ userIds: [alice, bob] }))
      return [alice, bob].map((id) => users.find(({ userId }) => userId === id)?.hasBlocked)
    }
    expect(await hasBlocked()).toEqual([false, false])
    must(await block(alice, bob))
    expect(await hasBlocked()).toEqual([true, false])
    must(await unblock(alice, bob))
    expect(await hasBlocked()).toEqual([false, false])
  })
})

describe('in a direct conversation in which one has blocked the other', () => {
  test.each([true, false])('nobody can write, edit or react; the rest goes on (by the first: %s)', async (byFirst) => {
    const { alice, bob, conversationId } = await pair()
    const users = [alice, bob]
    const messages = new Map<string, string>()
    for (const user of users) messages.set(user, messageOf(await world.send(user, conversationId)).id)
    const [blocker, blocked] = byFirst ? users : users.toReversed()
    must(await block(blocker!, blocked!))

    for (const user of users) {
      const place = { actor: actorOf(user), conversationId, messageId: messages.get(user)! }
      expect(codeOf(await world.send(user, conversationId))).toBe('direct_blocked')
      expect(refusalOf(await world.calls.editMessage({ ...place, text: 'other' }))).toBe('direct_blocked')
      expect(refusalOf(await world.calls.addReaction({ ...place, emoji: '👍' }))).toBe('direct_blocked')
      expect(must(await world.calls.allowTyping({ actor: place.actor, conversationId }))).toEqual({ isTold: false })
      must(await world.calls.deleteMessage(place))
      const { actor } = place
      const mark = { actor, conversationId, deliveredSequence: 0, readSequence: 2 }
      expect(must(await world.calls.markReceipts({ marks: [mark] })).results[0]).not.toHaveProperty('refusal')
      expect(must(await world.calls.getMessages({ actor, conversationId })).messages).toHaveLength(2)
      expect(
        must(
          await createDirect(
            user,
            users.find((other) => other !== user)!,
          ),
        ).id,
      ).toBe(conversationId)
    }

    must(await unblock(blocker!, blocked!))
    for (const user of users) expect(codeOf(await world.send(user, conversationId))).toBe('sent')
    expect(must(await world.calls.allowTyping({ actor: actorOf(alice), conversationId }))).toEqual({ isTold: true })
  })

  test('a reaction of before can be taken back', async () => {
    const { alice, bob, conversationId } = await pair()
    const { id: messageId } = messageOf(await world.send(alice, conversationId))
    const place = { actor: actorOf(bob), conversationId, messageId, emoji: '👍' }
    must(await world.calls.addReaction(place))
    must(await block(alice, bob))
    expect(must(await world.calls.removeReaction(place)).reactions).toEqual([])
  })

  test('what was accepted before gets its first result again', async () => {
    const { alice, bob, conversationId } = await pair()
    const id = v7()
    const first = messageOf(await world.send(bob, conversationId, { id, text: 'before' }))
    const edit = { actor: actorOf(bob), conversationId, messageId: id, text: 'edited' }
    must(await world.calls.editMessage(edit))
    must(await block(alice, bob))
    const again = messageOf(await world.send(bob, conversationId, { id, text: 'before' }))
    expect(again).toMatchObject({ id, sequence: first.sequence, duplicate: true })
    expect(codeOf(await world.send(bob, conversationId, { id, text: 'another' }))).toBe('message_id_conflict')
    expect(must(await world.calls.editMessage(edit)).text).toBe('edited')
  })

  test('both are blocked until both have ended it', async () => {
    const { alice, bob, conversationId } = await pair()
    must(await block(alice, bob))
    must(await block(bob, alice))
    must(await unblock(alice, bob))
    expect(codeOf(await world.send(bob, conversationId))).toBe('direct_blocked')
    must(await unblock(bob, alice))
    expect(codeOf(await world.send(bob, conversationId))).toBe('sent')
  })

  test('a send among others fails alone', async () => {
    const { alice, bob, conversationId } = await pair()
    const group = await world.createGroup(alice, [bob])
    must(await block(alice, bob))
    const sends = [group.id, conversationId, group.id].map((id) => ({
      actor: actorOf(bob),
      conversationId: id,
      id: v7(),
      text: 'hello',
    }))
    const { results } = must(await world.calls.sendMessages({ sends }))
    expect(results.map(codeOf)).toEqual(['sent', 'direct_blocked', 'sent'])
  })
})

describe('a block among many sends', () => {
  test('is after all that were accepted, and none that is sent after its answer is', async () => {
    for (let round = 0; round < 5; round++) {
      const { alice, bob, conversationId } = await pair()
      let answeredAt = Infinity
      let stopped = false
      const sends: { startedAt: number; code: string }[] = []
      const sending = Array.from({ length: 8 }, async (_, index) => {
        while (!stopped) {
          const startedAt = performance.now()
          sends.push({ startedAt, code: codeOf(await world.send(index % 2 === 0 ? bob : alice, conversationId)) })
        }
      })
      await vi.waitUntil(() => sends.length > 20, { interval: 1 })
      must(await block(alice, bob))
      answeredAt = performance.now()
      const { lastSequence } = must(await world.calls.getConversation({ actor: actorOf(alice), conversationId }))
      const before = sends.length
      await vi.waitUntil(() => sends.length > before + 30, { interval: 1 })
      stopped = true
      await Promise.all(sending)
      const after = sends.filter(({ startedAt }) => startedAt > answeredAt)
      expect(after.length).toBeGreaterThan(10)
      expect(new Set(after.map(({ code }) => code))).toEqual(new Set(['direct_blocked']))
      const accepted = sends.filter(({ code }) => code === 'sent')
      expect(accepted).toHaveLength(lastSequence)
      expect(accepted.length + sends.filter(({ code }) => code === 'direct_blocked').length).toBe(sends.length)
    }
    expect(await audit(world.db)).toEqual([])
  })

  test('waits for a send under way, and a send for it', async () => {
    const { alice, bob, conversationId } = await pair()
    const held = await holdConversation(world, conversationId)
    const blocking = block(alice, bob)
    await untilWaiting(world, 1)
    const sending = world.send(bob, conversationId)
    await untilWaiting(world, 2)
    await held[Symbol.asyncDispose]()
    must(await blocking)
    const code = codeOf(await sending)
    const { lastSequence } = must(await world.calls.getConversation({ actor: actorOf(alice), conversationId }))
    expect([code, lastSequence]).toEqual(code === 'sent' ? ['sent', 1] : ['direct_blocked', 0])
  })
})

describe('a direct conversation that is not there', () => {
  test('does not come into being while one has blocked the other, and neither is told of it', async () => {
    const [alice, bob] = [newUser(), newUser()]
    must(await block(alice, bob))
    expect(refusalOf(await createDirect(bob, alice))).toBe('direct_blocked')
    expect(refusalOf(await createDirect(alice, bob))).toBe('direct_blocked')
    expect(must(await world.calls.readVersions({ topics: [`u:${alice}`, `u:${bob}`] })).versions).toEqual([0, 0])
    must(await unblock(alice, bob))
    must(await createDirect(bob, alice))
    expect(await audit(world.db)).toEqual([])
  })

  test('comes into being before a block, or not at all, when both happen at once', async () => {
    for (let round = 0; round < 10; round++) {
      const [alice, bob] = [newUser(), newUser()]
      const [created, blocked] = await Promise.all([createDirect(bob, alice), block(alice, bob)])
      must(blocked)
      const { memberships } = must(await world.calls.listMemberships({ userIds: [alice] })).users[0]!
      if (created.ok) expect(memberships).toMatchObject([{ conversationId: created.value.id }])
      else expect([refusalOf(created), memberships]).toEqual(['direct_blocked', []])
      expect(refusalOf(await createDirect(bob, alice).then(orSend(bob)))).toBe('direct_blocked')
    }
    expect(await audit(world.db)).toEqual([])
  })
})

test('who has blocked the other, or is blocked, is a stranger though they share conversations; groups go on', async () => {
  const { alice, bob } = await pair()
  const { id: groupId } = await world.createGroup(alice, [bob])
  must(await block(alice, bob))
  expect([await relationsOf(alice, bob), await relationsOf(bob, alice)]).toEqual([[], []])
  for (const user of [alice, bob]) expect(codeOf(await world.send(user, groupId))).toBe('sent')
  expect(must(await world.calls.allowTyping({ actor: actorOf(bob), conversationId: groupId }))).toEqual({
    isTold: true,
  })
  must(await unblock(alice, bob))
  expect(await relationsOf(alice, bob)).toEqual([{ userId: bob, isContact: true }])
  expect(await relationsOf(bob, alice)).toEqual([{ userId: alice, isContact: true }])
})

/** So many blocked at once, as calls could not do in a test's time. */
async function fill(userId: string, count: number): Promise<string[]> {
  const blocks = Array.from({ length: count }, newUser).map((blockedId) => ({
    userId,
    blockedId,
    conversationId: directConversationId(userId, blockedId),
  }))
  await world.db.insertInto('blocks').values(blocks).execute()
  return blocks.map(({ blockedId }) => blockedId)
}

/** When it was created before the block, what is refused is to write in it. */
const orSend = (userId: string) => async (created: Awaited<ReturnType<typeof createDirect>>) => {
  if (!created.ok) return created
  const send = { actor: actorOf(userId), conversationId: created.value.id, id: v7(), text: 'hello' }
  const [result] = must(await world.calls.sendMessages({ sends: [send] })).results
  return 'refusal' in result! ? ({ ok: false, refusal: result.refusal } as const) : ({ ok: true, value: {} } as const)
}

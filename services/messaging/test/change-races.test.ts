import { must, type Answer } from '@parley/bus'
import type { Role } from '@parley/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { audit } from './audit.ts'
import { holdConversation, untilWaiting } from './hold.ts'
import { actorOf, codeOf, newUser, openWorld, refusalOf, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld({ instances: 2 })))
afterAll(() => world[Symbol.asyncDispose]())

/** Changes fall to one instance or to both, as it happens. */
const ROUNDS = 8

const add = (actorId: string, conversationId: string, userId: string) =>
  world.calls.addMembers({ actor: actorOf(actorId), conversationId, userIds: [userId] })
const remove = (actorId: string, conversationId: string, userId: string) =>
  world.calls.removeMember({ actor: actorOf(actorId), conversationId, userId })
const changeRole = (actorId: string, conversationId: string, userId: string, role: Role) =>
  world.calls.changeRole({ actor: actorOf(actorId), conversationId, userId, role })
const update = (userId: string, conversationId: string, wanted: { title?: string; archived?: boolean }) =>
  world.calls.updateConversation({ actor: actorOf(userId), conversationId, ...wanted })
const seenBy = async (userId: string, conversationId: string) =>
  must(await world.calls.getConversation({ actor: actorOf(userId), conversationId }))
const versionOf = async (topic: string) => must(await world.calls.readVersions({ topics: [topic] })).versions[0]!
const outcomeOf = (answer: Answer<unknown>): string => (answer.ok ? 'done' : refusalOf(answer))

/** All have begun before one of them can end. */
async function together<Result>(conversationId: string, start: () => Promise<Result>[]): Promise<Result[]> {
  await using held = await holdConversation(world, conversationId)
  const started = start()
  await untilWaiting(world, 1)
  await held[Symbol.asyncDispose]()
  return Promise.all(started)
}

describe('at once', () => {
  test('of two owners who step down, leave or depose each other, one stays', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const [alice, bob, carol] = [newUser(), newUser(), newUser()]
      const { id: conversationId } = await world.createGroup(alice, [bob, carol])
      must(await changeRole(alice, conversationId, bob, 'owner'))
      const ways = [
        (userId: string) => changeRole(userId, conversationId, userId, 'member'),
        (userId: string) => world.calls.leaveConversation({ actor: actorOf(userId), conversationId }),
        (userId: string) => changeRole(userId, conversationId, userId === alice ? bob : alice, 'admin'),
      ]
      const [first, second] = [ways[round % 3]!, ways[Math.floor(round / 3) % 3]!]
      const outcomes = await together(conversationId, () => [first(alice).then(outcomeOf), second(bob).then(outcomeOf)])
      // The deposed one may be an owner no more, or already gone.
      expect(outcomes.filter((outcome) => outcome === 'done').length).toBeGreaterThan(0)
      const { members } = must(await world.calls.listMembers({ actor: actorOf(carol), conversationId }))
      expect(members.filter(({ role }) => role === 'owner')).toHaveLength(1)
    }
    expect(await audit(world.db)).toEqual([])
  })

  test('a user added by two admins becomes a member once, and both are answered', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const [alice, bob, carol] = [newUser(), newUser(), newUser()]
      const { id } = await world.createGroup(alice, [bob])
      must(await changeRole(alice, id, bob, 'admin'))
      const answers = await together(id, () => [add(alice, id, carol), add(bob, id, carol)])
      const [one, other] = answers.map((answer) => must(answer).members)
      expect(one).toMatchObject([{ userId: carol }])
      expect(other).toEqual(one)
      expect([await versionOf(`c:${id}`), await versionOf(`u:${carol}`)]).toEqual([3, 1])
      expect((await seenBy(carol, id)).memberCount).toBe(3)
    }
    expect(await audit(world.db)).toEqual([])
  })

  test('a member who is removed while sending has said what came before, and nothing after', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const [alice, bob] = [newUser(), newUser()]
      const { id: conversationId } = await world.createGroup(alice, [bob])
      const sending = Array.from({ length: 20 }, () => world.send(bob, conversationId))
      const removed = remove(alice, conversationId, bob)
      const more = Array.from({ length: 20 }, () => world.send(bob, conversationId))
      must(await removed)
      const results = await Promise.all([...sending, ...more])
      const sent = results.filter((result) => 'message' in result)
      expect(results.filter((result) => 'refusal' in result).map(codeOf)).toEqual(
        Array(results.length - sent.length).fill('not_a_member'),
      )
      expect(codeOf(await world.send(bob, conversationId))).toBe('not_a_member')
      const { changes } = must(await world.calls.listChanges({ topic: `c:${conversationId}`, afterVersion: 1 }))
      expect(changes.at(-1)).toMatchObject({ version: sent.length + 2, event: 'MemberLeft', left: bob })
    }
    expect(await audit(world.db)).toEqual([])
  })

  test('renaming and archiving both happen, each at its version', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const [alice, bob] = [newUser(), newUser()]
      const { id } = await world.createGroup(alice, [bob])
      must(await changeRole(alice, id, bob, 'admin'))
      const answers = await together(id, () => [
        update(alice, id, { title: 'new' }),
        update(bob, id, { archived: true }),
      ])
      expect(answers.map((answer) => must(answer).version).toSorted((a, b) => a - b)).toEqual([3, 4])
      expect(await seenBy(alice, id)).toMatchObject({ title: 'new', archivedAt: expect.any(String), version: 4 })
      expect(codeOf(await world.send(alice, id))).toBe('conversation_archived')
    }
    expect(await audit(world.db)).toEqual([])
  })

  test('a member whose role changes while they are removed is gone in the end', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const [alice, bob, carol] = [newUser(), newUser(), newUser()]
      const { id } = await world.createGroup(alice, [bob, carol])
      must(await changeRole(alice, id, carol, 'admin'))
      const [promoted, removed] = await together(id, () => [
        changeRole(alice, id, bob, 'admin').then(outcomeOf),
        remove(carol, id, bob).then(outcomeOf),
      ])
      // An admin can not be removed by one.
      expect([
        ['done', 'forbidden'],
        ['user_not_found', 'done'],
      ]).toContainEqual([promoted, removed])
      const { members } = must(await world.calls.listMembers({ actor: actorOf(alice), conversationId: id }))
      expect(members.some(({ userId }) => userId === bob)).toBe(promoted === 'done')
      expect(await versionOf(`c:${id}`)).toBe(3)
    }
    expect(await audit(world.db)).toEqual([])
  })

  test('what a deposed admin still gets done came before', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const [alice, bob, carol] = [newUser(), newUser(), newUser()]
      const { id } = await world.createGroup(alice, [bob])
      must(await changeRole(alice, id, bob, 'admin'))
      const [deposed, added] = await together(id, () => [
        changeRole(alice, id, bob, 'member').then(outcomeOf),
        add(bob, id, carol).then(outcomeOf),
      ])
      expect(deposed).toBe('done')
      const { changes } = must(await world.calls.listChanges({ topic: `c:${id}`, afterVersion: 2 }))
      expect(changes.map(({ event }) => event)).toEqual(
        added === 'done' ? ['MemberJoined', 'MemberChanged'] : ['MemberChanged'],
      )
      expect(['done', 'forbidden']).toContain(added)
    }
  })

  test('the same users muting, being promoted, removed and added everywhere neither deadlock nor miss a version', async () => {
    const owners = Array.from({ length: 4 }, newUser)
    const users = Array.from({ length: 4 }, newUser)
    const groups = await Promise.all(owners.map((owner) => world.createGroup(owner, users)))
    const outcomes = await Promise.all(
      groups.flatMap(({ id }, index) =>
        users.flatMap((userId, number) => [
          world.calls
            .muteConversation({ actor: actorOf(userId), conversationId: id, until: '2030-01-01T00:00:00.000Z' })
            .then(outcomeOf),
          changeRole(owners[index]!, id, userId, 'admin').then(outcomeOf),
          world.send(userId, id).then(codeOf),
          remove(owners[index]!, id, users[(number + 1) % users.length]!).then(outcomeOf),
          add(owners[index]!, id, userId).then(outcomeOf),
        ]),
      ),
    )
    expect(new Set(outcomes).difference(new Set(['done', 'sent', 'not_a_member', 'user_not_found']))).toEqual(new Set())
    expect(await audit(world.db)).toEqual([])
  })
})

test('a conversation that is held for long is unavailable, and changed when it is free again', async () => {
  const alice = newUser()
  const { id } = await world.createGroup(alice)
  {
    await using _ = await holdConversation(world, id)
    await expect(update(alice, id, { title: 'new' })).rejects.toMatchObject({ code: 'unavailable' })
  }
  expect(must(await update(alice, id, { title: 'new' })).version).toBe(2)
})

test('however many conversations are held, all can be read, and the others be written in', async () => {
  const alice = newUser()
  const groups = await Promise.all(Array.from({ length: 20 }, () => world.createGroup(alice)))
  const { id: freeId } = await world.createGroup(alice)
  await using held = await holdConversation(world, ...groups.map(({ id }) => id))
  const changing = Promise.allSettled(
    groups.flatMap(({ id }) => Array.from({ length: 5 }, (_, index) => update(alice, id, { title: `title ${index}` }))),
  )
  await untilWaiting(world, 12)
  for (const { id } of groups) expect((await seenBy(alice, id)).title).toBeNull()
  expect(codeOf(await world.send(alice, freeId))).toBe('sent')
  await held[Symbol.asyncDispose]()
  // Whoever could not wait so long is told so; all others are done.
  for (const outcome of await changing) {
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'unavailable' })
    else must(outcome.value)
  }
  expect(await audit(world.db)).toEqual([])
})

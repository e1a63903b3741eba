import { must } from '@parley/bus'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { actorOf, newUser, openWorld, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld()))
afterAll(() => world[Symbol.asyncDispose]())

/** Those of the others who share a conversation with the user, and whether it is a direct one. */
async function relationsOf(userId: string, otherIds: readonly string[]): Promise<Map<string, boolean>> {
  const { relations } = must(await world.calls.listRelations({ userId, otherIds: [...otherIds] }))
  return new Map(relations.map((relation) => [relation.userId, relation.isContact]))
}

const talkDirectly = async (userId: string, otherId: string) =>
  must(await world.calls.createConversation({ actor: actorOf(userId), kind: 'direct', memberIds: [otherId] }))

test('users are related by the conversations they share now, and are contacts by a direct one', async () => {
  const [alice, bob, carol, dave, stranger] = [newUser(), newUser(), newUser(), newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(alice, [bob, carol])
  await world.createGroup(alice, [carol])
  await talkDirectly(carol, alice)
  await talkDirectly(dave, alice)
  const others = [bob, carol, dave, stranger]
  const related = [
    [bob, false],
    [carol, true],
    [dave, true],
  ] as const
  expect(await relationsOf(alice, others)).toEqual(new Map(related))
  expect(await relationsOf(bob, [alice, carol, dave])).toEqual(
    new Map([
      [alice, false],
      [carol, false],
    ]),
  )

  must(await world.calls.removeMember({ actor: actorOf(alice), conversationId, userId: bob }))
  expect(await relationsOf(alice, others)).toEqual(new Map(related.slice(1)))
  expect(await relationsOf(bob, [alice, carol])).toEqual(new Map())
  must(await world.calls.addMembers({ actor: actorOf(alice), conversationId, userIds: [bob] }))
  expect(await relationsOf(bob, [alice])).toEqual(new Map([[alice, false]]))
})

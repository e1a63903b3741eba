import { must } from '@parley/bus'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { sql } from 'kysely'
import { audit } from './audit.ts'
import { actorOf, newUser, openWorld, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld()))
afterAll(() => world[Symbol.asyncDispose]())

beforeEach(async () => {
  await sql`truncate conversations, members, membership_changes, users, messages cascade`.execute(world.db)
  const [alice, bob] = [newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(alice, [bob])
  for (let index = 0; index < 3; index++) await world.send(alice, conversationId)
  must(await world.calls.leaveConversation({ actor: actorOf(bob), conversationId }))
  await world.send(alice, conversationId)
  expect(await audit(world.db)).toEqual([])
})

test.each([
  ['a lost message', `delete from messages where sequence = 2`],
  ['a lost last message', `delete from messages where sequence = 4`],
  ['two messages in one place', `update messages set sequence = 1 where sequence = 2`],
  ['two messages in the wrong order', `update messages set sequence = 5 - sequence where sequence in (2, 3)`],
  ['a version given twice', `update messages set created_version = 5 where sequence = 4`],
  ['a counter that went ahead', `update conversations set last_sequence = last_sequence + 1`],
  ['a version that went ahead', `update conversations set version = version + 1`],
  ['a forgotten change of a membership', `delete from membership_changes where kind = 'left'`],
  ['a user who is a version behind', `update users set membership_version = 1`],
  ['a wrong number of members', `update conversations set member_count = 2`],
  ['a time that goes back', `update messages set created_at = created_at - interval '1 hour' where sequence = 3`],
])('the audit notices %s', async (_, damage) => {
  await sql.raw(damage).execute(world.db)
  expect(await audit(world.db)).not.toEqual([])
})

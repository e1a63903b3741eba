import type { TopicChange } from '@parley/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findOwnConversation } from '../src/store/own-conversations.ts'
import { userChangesAfter } from '../src/store/user-changes.ts'
import { newUser } from './world.ts'
import { begin, join, leave, mute, openDatabase, promote, retention, say } from './written.ts'

let database: Awaited<ReturnType<typeof openDatabase>>
beforeAll(async () => void (database = await openDatabase()))
afterAll(() => database[Symbol.asyncDispose]())

async function changesOf(userId: string, limit: number): Promise<TopicChange[]> {
  const changes: TopicChange[] = []
  for (let after = 0; ;) {
    const page = await userChangesAfter(database.db, retention, userId, after, limit)
    changes.push(...page.changes)
    if (!page.hasMore) return changes
    after = page.to
  }
}

test('conversations that came and went and what changed of the own part are told in order, however small the pages', async () => {
  const { db } = database
  const [alice, bob] = [newUser(), newUser()]
  const stays = await begin(db, [alice, bob]) // 1 for Bob
  const goes = await begin(db, [alice, bob]) // 2
  await mute(db, stays, bob) // 3
  await leave(db, goes, bob) // 4
  await say(db, stays, alice)
  await promote(db, stays, bob) // 5
  await say(db, goes, alice, [{}, {}])
  await join(db, goes, bob) // 6
  await mute(db, goes, bob) // 7
  await leave(db, goes, bob) // 8

  const seen = (await findOwnConversation(db, retention, { userId: bob, conversationId: stays }))!
  expect(seen).toMatchObject({ lastMessage: { sequence: 1 }, me: { role: 'admin', mutedUntil: expect.any(String) } })
  const of = (conversationId: string) => ({
    conversationId,
    joinedVersion: 1,
    leftVersion: null,
    visibleFromSequence: 1,
  })
  const changes = await changesOf(bob, 500)
  expect(changes).toEqual([
    { version: 1, event: 'ConversationAdded', argument: seen, membership: of(stays) },
    {
      version: 4,
      event: 'ConversationRemoved',
      argument: { conversationId: goes },
      // What they could see before they came back, and could not then, is not theirs any more.
      membership: { ...of(goes), leftVersion: 2, visibleFromSequence: 3 },
    },
    // The mute before is in it.
    { version: 5, event: 'ConversationUpdated', argument: { ...seen, lastMessage: null } },
    {
      version: 8,
      event: 'ConversationRemoved',
      argument: { conversationId: goes },
      membership: { ...of(goes), joinedVersion: 5, leftVersion: 6, visibleFromSequence: 3 },
    },
  ])
  for (const limit of [1, 2, 3]) expect(await changesOf(bob, limit)).toEqual(changes)
  expect(await userChangesAfter(db, retention, bob, 8, 500)).toEqual({ changes: [], to: 8, hasMore: false })
})

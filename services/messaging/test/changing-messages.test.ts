import { must } from '@parley/bus'
import { conversationTopic } from '@parley/contracts'
import type { Message } from '@parley/protocol'
import fc from 'fast-check'
import { v7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { audit } from './audit.ts'
import { actorOf, codeOf, messageOf, newUser, openWorld, refusalOf, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld({ instances: 2 })))
afterAll(() => world[Symbol.asyncDispose]())

const WAIT = { timeout: 15_000, interval: 20 }

/** A group of these, with one message by the first. */
async function groupWithMessage(userIds: readonly string[], text = 'hello') {
  const [creator, ...others] = userIds as [string, ...string[]]
  const { id: conversationId } = await world.createGroup(creator, others)
  const message = messageOf(await world.send(creator, conversationId, { text }))
  return { conversationId, messageId: message.id }
}

const historyOf = async (userId: string, conversationId: string): Promise<Message[]> =>
  must(await world.calls.getMessages({ actor: actorOf(userId), conversationId })).messages

const versionOf = async (userId: string, conversationId: string): Promise<number> =>
  must(await world.calls.getConversation({ actor: actorOf(userId), conversationId })).version

const toldOf = (conversationId: string) =>
  world.deliveries
    .filter(({ topic, event }) => topic === conversationTopic(conversationId) && event === 'MessageUpdated')
    .map(({ version, argument }) => ({ version, message: JSON.parse(new TextDecoder().decode(argument)) as Message }))
    .toSorted((a, b) => a.version - b.version)

describe('an edit', () => {
  test('is seen in the history and told with a version of its own, and what was said before can be read', async () => {
    const [alice, bob] = [newUser(), newUser()]
    const { conversationId, messageId } = await groupWithMessage([alice, bob], 'one')
    const place = { actor: actorOf(alice), conversationId, messageId }
    for (const text of ['two', 'three']) must(await world.calls.editMessage({ ...place, text, mentions: [bob] }))
    const [message] = await historyOf(bob, conversationId)
    expect(message).toMatchObject({ text: 'three', mentions: [bob], sequence: 1, version: 4, deletedAt: null })
    expect(message?.editedAt).toEqual(expect.any(String))
    const { edits } = must(await world.calls.listEdits({ actor: actorOf(bob), conversationId, messageId }))
    expect(edits.map(({ text, mentions }) => ({ text, mentions }))).toEqual([
      { text: 'one', mentions: [] },
      { text: 'two', mentions: [bob] },
    ])
    expect(edits[1]?.replacedAt).toBe(message?.editedAt)
    await vi.waitFor(() => expect(toldOf(conversationId).map(({ version }) => version)).toEqual([3, 4]), WAIT)
    expect(toldOf(conversationId)[1]?.message).toEqual(message)
  })

  test('is kept, and of many the latest are answered', async () => {
    const [alice, bob] = [newUser(), newUser()]
    const { conversationId, messageId } = await groupWithMessage([alice, bob])
    const replacedAt = new Date()
    const edits = Array.from({ length: 150 }, (_, version) => ({
      messageId,
      version,
      text: `${version}`,
      mentions: [],
    }))
    await world.db
      .insertInto('messageEdits')
      .values(edits.map((edit) => ({ ...edit, replacedAt })))
      .execute()
    const answered = must(await world.calls.listEdits({ actor: actorOf(bob), conversationId, messageId })).edits
    expect(answered.map(({ text }) => text)).toEqual(edits.slice(50).map(({ text }) => text))
  })

  test('that says the same again changes nothing, so a retry is safe', async () => {
    const alice = newUser()
    const { conversationId, messageId } = await groupWithMessage([alice])
    const edit = { actor: actorOf(alice), conversationId, messageId, text: 'again' }
    const first = must(await world.calls.editMessage(edit))
    expect(must(await world.calls.editMessage(edit))).toEqual(first)
    expect(await versionOf(alice, conversationId)).toBe(3)
  })

  test('is refused to others, of what is not there, deleted or empty, and with a mention of a stranger', async () => {
    const [alice, bob, stranger] = [newUser(), newUser(), newUser()]
    const { conversationId, messageId } = await groupWithMessage([alice, bob])
    const edit = (userId: string, more: object = {}) =>
      world.calls
        .editMessage({ actor: actorOf(userId), conversationId, messageId, text: 'changed', ...more })
        .then(refusalOf)
    expect(await edit(bob)).toBe('forbidden')
    expect(await edit(stranger)).toBe('not_a_member')
    expect(await edit(alice, { messageId: v7() })).toBe('message_not_found')
    expect(await edit(alice, { mentions: [stranger] })).toBe('mention_not_a_member')
    expect(await edit(alice, { text: '' })).toBe('invalid_input')
    const elsewhere = await groupWithMessage([alice])
    expect(await edit(alice, { messageId: elsewhere.messageId })).toBe('message_not_found')
    must(await world.calls.deleteMessage({ actor: actorOf(alice), conversationId, messageId }))
    expect(await edit(alice)).toBe('message_not_found')
    expect(await versionOf(alice, conversationId)).toBe(3)
  })

  test('moves the unread mention from who was mentioned to who is', async () => {
    const [alice, bob, carol] = [newUser(), newUser(), newUser()]
    const { id: conversationId } = await world.createGroup(alice, [bob, carol])
    const { id: messageId } = messageOf(await world.send(alice, conversationId, { mentions: [bob] }))
    const mentionsOf = async (userId: string) =>
      must(await world.calls.getConversation({ actor: actorOf(userId), conversationId })).me?.mentionCount
    expect([await mentionsOf(bob), await mentionsOf(carol)]).toEqual([1, 0])
    must(
      await world.calls.editMessage({ actor: actorOf(alice), conversationId, messageId, text: 'x', mentions: [carol] }),
    )
    expect([await mentionsOf(bob), await mentionsOf(carol)]).toEqual([0, 1])
    must(await world.calls.deleteMessage({ actor: actorOf(alice), conversationId, messageId }))
    expect([await mentionsOf(bob), await mentionsOf(carol)]).toEqual([0, 0])
  })
})

describe('a deletion', () => {
  test('leaves a place with nothing in it, and nothing of what was said anywhere', async () => {
    const [alice, bob] = [newUser(), newUser()]
    const { conversationId, messageId } = await groupWithMessage([alice, bob], 'a secret')
    const place = { conversationId, messageId }
    must(await world.calls.editMessage({ actor: actorOf(alice), ...place, text: 'another secret', mentions: [bob] }))
    must(await world.calls.addReaction({ actor: actorOf(bob), ...place, emoji: '👍' }))
    const deleted = must(await world.calls.deleteMessage({ actor: actorOf(alice), ...place }))
    expect(deleted).toMatchObject({
      id: messageId,
      sequence: 1,
      text: '',
      mentions: [],
      reactions: [],
      attachments: [],
    })
    expect(deleted.deletedAt).toEqual(expect.any(String))
    expect(await historyOf(bob, conversationId)).toEqual([deleted])
    expect(must(await world.calls.listEdits({ actor: actorOf(bob), ...place })).edits).toEqual([])
    for (const table of ['messageEdits', 'reactions', 'unreadMentions'] as const) {
      const rows = await world.db.selectFrom(table).selectAll().where('messageId', '=', messageId).execute()
      expect(rows).toEqual([])
    }
    // Again, it changes nothing.
    expect(must(await world.calls.deleteMessage({ actor: actorOf(alice), ...place }))).toEqual(deleted)
    expect(await versionOf(alice, conversationId)).toBe(deleted.version)
  })

  test('of what others said is for owners and admins, and in a direct conversation for nobody', async () => {
    const [alice, bob, carol] = [newUser(), newUser(), newUser()]
    const { id: conversationId } = await world.createGroup(alice, [bob, carol])
    const { id: messageId } = messageOf(await world.send(bob, conversationId))
    const place = { conversationId, messageId }
    expect(refusalOf(await world.calls.deleteMessage({ actor: actorOf(carol), ...place }))).toBe('forbidden')
    expect(must(await world.calls.deleteMessage({ actor: actorOf(alice), ...place })).deletedAt).not.toBeNull()

    const direct = must(
      await world.calls.createConversation({ actor: actorOf(alice), kind: 'direct', memberIds: [bob] }),
    )
    const { id } = messageOf(await world.send(bob, direct.id))
    const theirs = { conversationId: direct.id, messageId: id }
    expect(refusalOf(await world.calls.deleteMessage({ actor: actorOf(alice), ...theirs }))).toBe('forbidden')
  })

  test('of a message whose sender tries it again answers the retry with what is there now', async () => {
    const alice = newUser()
    const { id: conversationId } = await world.createGroup(alice)
    const send = { id: v7(), text: 'gone soon' }
    messageOf(await world.send(alice, conversationId, send))
    must(await world.calls.deleteMessage({ actor: actorOf(alice), conversationId, messageId: send.id }))
    expect(messageOf(await world.send(alice, conversationId, send))).toMatchObject({ duplicate: true, text: '' })
    expect(codeOf(await world.send(alice, conversationId, { ...send, text: 'other' }))).toBe('message_id_conflict')
  })
})

describe('reactions', () => {
  test('are several of a user, each once, in the order of their first use, and can be taken back', async () => {
    const [alice, bob] = [newUser(), newUser()]
    const { conversationId, messageId } = await groupWithMessage([alice, bob])
    const react = async (userId: string, emoji: string) =>
      must(await world.calls.addReaction({ actor: actorOf(userId), conversationId, messageId, emoji }))
    const unreact = async (userId: string, emoji: string) =>
      must(await world.calls.removeReaction({ actor: actorOf(userId), conversationId, messageId, emoji }))
    await react(bob, '👍🏽')
    await react(alice, '👍🏽')
    await react(bob, '👩‍👩‍👧')
    const after = await react(bob, '👍🏽')
    expect(after.reactions).toEqual([
      { emoji: '👍🏽', count: 2, userIds: [bob, alice] },
      { emoji: '👩‍👩‍👧', count: 1, userIds: [bob] },
    ])
    expect((await unreact(bob, '👍🏽')).reactions[0]).toEqual({ emoji: '👍🏽', count: 1, userIds: [alice] })
    expect((await unreact(bob, '👍🏽')).version).toBe(6)
    expect((await unreact(alice, '👍🏽')).reactions.map(({ emoji }) => emoji)).toEqual(['👩‍👩‍👧'])
    expect(await historyOf(alice, conversationId)).toMatchObject([{ version: 7 }])
  })

  test('of many at once share versions, and each is counted', async () => {
    const users = Array.from({ length: 60 }, newUser)
    const { conversationId, messageId } = await groupWithMessage(users)
    const reacted = await Promise.all(
      users.map((userId) =>
        world.calls.addReaction({ actor: actorOf(userId), conversationId, messageId, emoji: '🎉' }).then(must),
      ),
    )
    expect(reacted.every(({ reactions }) => reactions[0]?.emoji === '🎉')).toBe(true)
    const [message] = await historyOf(users[0]!, conversationId)
    expect(message?.reactions[0]?.count).toBe(60)
    expect(message?.reactions[0]?.userIds.toSorted()).toEqual(users.toSorted())
    expect(await versionOf(users[0]!, conversationId)).toBeLessThan(2 + 30)
  })

  test('of 21 different emoji are one too many, and of a stranger or on nothing are refused', async () => {
    const [alice, stranger] = [newUser(), newUser()]
    const { conversationId, messageId } = await groupWithMessage([alice])
    const react = (userId: string, emoji: string, more: object = {}) =>
      world.calls.addReaction({ actor: actorOf(userId), conversationId, messageId, emoji, ...more })
    const emoji = Array.from('😀😃😄😁😆😅😂🙂🙃😉😊😇😍😘😗😚😙😋😛😜')
    for (const one of emoji) must(await react(alice, one))
    expect(refusalOf(await react(alice, '🤪'))).toBe('too_many_emoji')
    expect(must(await react(alice, emoji[0]!)).reactions).toHaveLength(20)
    expect(refusalOf(await react(stranger, '👍'))).toBe('not_a_member')
    expect(refusalOf(await react(alice, '👍', { messageId: v7() }))).toBe('message_not_found')
  })

  test('given and taken back in any order, at once and by several, end as the last of each user says', async () => {
    const users = [newUser(), newUser(), newUser()]
    const emoji = ['👍', '🎉']
    const step = fc.record({ user: fc.nat(2), emoji: fc.nat(1), wanted: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const { conversationId, messageId } = await groupWithMessage(users)
        // Of one user one after another, of different users at once.
        await Promise.all(
          users.map(async (userId, index) => {
            for (const { emoji: which, wanted } of steps.filter(({ user }) => user === index)) {
              const reaction = { actor: actorOf(userId), conversationId, messageId, emoji: emoji[which]! }
              must(await (wanted ? world.calls.addReaction(reaction) : world.calls.removeReaction(reaction)))
            }
          }),
        )
        const wanted = (which: number) =>
          users.filter(
            (_, index) => steps.findLast((one) => one.user === index && one.emoji === which)?.wanted === true,
          )
        const [message] = await historyOf(users[0]!, conversationId)
        for (const [which, one] of emoji.entries()) {
          const reaction = message?.reactions.find((told) => told.emoji === one)
          expect(reaction?.userIds.toSorted() ?? []).toEqual(wanted(which).toSorted())
          expect(reaction?.count ?? 0).toBe(wanted(which).length)
        }
      }),
      { numRuns: 15 },
    )
  })
})

test('edits, deletions, reactions and sends of two instances at once leave no gap and no double', async () => {
  const users = Array.from({ length: 6 }, newUser)
  const { conversationId, messageId } = await groupWithMessage(users)
  await Promise.all(
    users.flatMap((userId, index) => [
      world.send(userId, conversationId),
      world.calls.addReaction({ actor: actorOf(userId), conversationId, messageId, emoji: '👍' }),
      world.calls.editMessage({ actor: actorOf(users[0]!), conversationId, messageId, text: `edit ${index}` }),
      world.send(userId, conversationId),
    ]),
  )
  const version = await versionOf(users[0]!, conversationId)
  await vi.waitFor(() => {
    const told = new Set(
      world.deliveries.filter(({ topic }) => topic === conversationTopic(conversationId)).map((told) => told.version),
    )
    expect([...told].toSorted((a, b) => a - b)).toEqual(Array.from({ length: version - 1 }, (_, index) => index + 2))
  }, WAIT)
  expect(await audit(world.db)).toEqual([])
})

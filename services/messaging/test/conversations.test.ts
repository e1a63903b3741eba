import { BusError, must } from '@parley/bus'
import { v4, v5 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { audit } from './audit.ts'
import { actorOf, codeOf, messageOf, newUser, openWorld, refusalOf, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld({ instances: 2 })))
afterAll(() => world[Symbol.asyncDispose]())

const createDirect = (userId: string, otherId: string) =>
  world.calls.createConversation({ actor: actorOf(userId), kind: 'direct', memberIds: [otherId] })

test('a group belongs to its creator, and starts at version 1 with all its first members', async () => {
  const [alice, bob, carol] = [newUser(), newUser(), newUser()]
  const answer = await world.calls.createConversation({
    actor: actorOf(alice),
    kind: 'group',
    title: 'Lunch 🍜',
    memberIds: [bob, carol, bob, alice],
  })
  const conversation = must(answer)
  expect(conversation).toEqual({
    id: expect.any(String),
    kind: 'group',
    title: 'Lunch 🍜',
    avatarUrl: null,
    historyVisibility: 'joined',
    archivedAt: null,
    createdBy: alice,
    createdAt: expect.any(String),
    version: 1,
    lastSequence: 0,
    lastMessage: null,
    memberCount: 3,
    capabilities: { typing: true, receipts: 'members', presence: true },
    retentionDays: 365,
    firstKeptSequence: 1,
    me: {
      role: 'owner',
      joinedSequence: 0,
      deliveredSequence: 0,
      readSequence: 0,
      unreadCount: 0,
      mentionCount: 0,
      mutedUntil: null,
    },
  })
  const { id: conversationId } = conversation
  const asBob = must(await world.calls.getConversation({ actor: actorOf(bob), conversationId }))
  expect(asBob).toEqual({ ...conversation, me: { ...conversation.me, role: 'member' } })
  const { members } = must(await world.calls.listMembers({ actor: actorOf(bob), conversationId }))
  expect(new Map(members.map(({ userId, role }) => [userId, role]))).toEqual(
    new Map([
      [alice, 'owner'],
      [bob, 'member'],
      [carol, 'member'],
    ]),
  )
})

test('a channel belongs to its creator, who adds readers, and shows all that was said to who joins', async () => {
  const [alice, bob, carol] = [newUser(), newUser(), newUser()]
  const request = { actor: actorOf(alice), kind: 'channel' as const, title: 'News', memberIds: [bob] }
  const created = must(await world.calls.createConversation(request))
  const { id: conversationId } = created
  expect(created).toMatchObject({ kind: 'channel', historyVisibility: 'all', memberCount: 2, me: { role: 'owner' } })
  expect(created.capabilities.receipts).toBe('counts')
  messageOf(await world.send(alice, conversationId, { text: 'one' }))
  expect(codeOf(await world.send(bob, conversationId))).toBe('forbidden')
  must(await world.calls.addMembers({ actor: actorOf(alice), conversationId, userIds: [carol] }))
  const asCarol = { actor: actorOf(carol), conversationId }
  expect(must(await world.calls.getMessages(asCarol)).messages.map(({ text }) => text)).toEqual(['one'])
  // But what was said before is not news to them.
  const own = must(await world.calls.getConversation(asCarol))
  expect(own).toMatchObject({ lastMessage: { text: 'one' }, me: { role: 'member', joinedSequence: 1, unreadCount: 0 } })
})

test('the same pair has the same direct conversation, whoever creates it and however many do at once', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const created = await Promise.all(
    Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? createDirect(alice, bob) : createDirect(bob, alice))),
  )
  const { id } = must(created[0]!)
  for (const conversation of created.map(must)) {
    expect(conversation).toMatchObject({
      id,
      kind: 'direct',
      title: null,
      version: 1,
      memberCount: 2,
      me: { role: 'member' },
    })
  }
  expect(must(await createDirect(bob, alice)).id).toBe(id)
  expect(must(await createDirect(alice, newUser())).id).not.toBe(id)
  const { conversations } = must(await world.calls.listConversations({ actor: actorOf(bob) }))
  expect(conversations.map((conversation) => conversation.id)).toEqual([id])
  expect(await audit(world.db)).toEqual([])
})

test('a direct conversation needs exactly one other member and no title', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const create = (request: { memberIds: string[]; title?: string | null; historyVisibility?: 'all' }) =>
    world.calls.createConversation({ actor: actorOf(alice), kind: 'direct', ...request })
  expect(refusalOf(await create({ memberIds: [] }))).toBe('invalid_input')
  expect(refusalOf(await create({ memberIds: [alice] }))).toBe('invalid_input')
  expect(refusalOf(await create({ memberIds: [bob, newUser()] }))).toBe('invalid_input')
  expect(refusalOf(await create({ memberIds: [bob], title: 'us' }))).toBe('invalid_input')
  expect(refusalOf(await create({ memberIds: [bob], historyVisibility: 'all' }))).toBe('invalid_input')
  expect(must(await create({ memberIds: [alice, bob, bob], title: null })).memberCount).toBe(2)
})

test('a retry with the same id and content gets the same conversation; anything else is a conflict', async () => {
  const [alice, bob, carol] = [newUser(), newUser(), newUser()]
  const request = { actor: actorOf(alice), id: v4(), kind: 'group' as const, title: 'Plans', memberIds: [bob, carol] }
  const first = must(await world.calls.createConversation(request))
  expect(first.id).toBe(request.id)
  const retries = await Promise.all([
    world.calls.createConversation(request),
    world.calls.createConversation({ ...request, memberIds: [carol, alice, bob] }),
  ])
  expect(retries.map(must)).toEqual([first, first])
  expect(must(await world.calls.createConversation({ ...request, historyVisibility: 'joined' }))).toEqual(first)
  for (const other of [
    { ...request, actor: actorOf(bob) },
    { ...request, title: 'Other plans' },
    { ...request, memberIds: [bob] },
    { ...request, kind: 'channel' as const },
    { ...request, historyVisibility: 'all' as const },
  ]) {
    expect(refusalOf(await world.calls.createConversation(other))).toBe('conversation_id_conflict')
  }
})

test('of many equal creations at once one is made, and all get it', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const request = { actor: actorOf(alice), id: v4(), kind: 'group' as const, memberIds: [bob] }
  const created = await Promise.all(Array.from({ length: 8 }, () => world.calls.createConversation(request)))
  expect(new Set(created.map((answer) => JSON.stringify(must(answer)))).size).toBe(1)
  expect(must(await world.calls.readVersions({ topics: [`u:${alice}`, `u:${bob}`] })).versions).toEqual([1, 1])
})

test('nobody can sit on the id of a direct conversation', async () => {
  const alice = newUser()
  const id = v5('somebody:else', v4())
  const answer = await world.calls.createConversation({ actor: actorOf(alice), id, kind: 'group', memberIds: [] })
  expect(refusalOf(answer)).toBe('invalid_input')
})

test('all members must exist', async () => {
  const [alice, bob, nobody] = [newUser(), newUser(), newUser()]
  world.unknownUsers.add(nobody)
  expect(refusalOf(await createDirect(alice, nobody))).toBe('user_not_found')
  const group = { actor: actorOf(alice), kind: 'group' as const, memberIds: [bob, nobody] }
  expect(refusalOf(await world.calls.createConversation(group))).toBe('user_not_found')
  expect(must(await world.calls.listConversations({ actor: actorOf(alice) })).conversations).toEqual([])
})

test('the inbox has the newest activity first, with what each member may see, and can be paged', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const groups = []
  for (let index = 0; index < 5; index++) groups.push(await world.createGroup(alice))
  const byAge = groups.toSorted((a, b) => (a.createdAt + a.id < b.createdAt + b.id ? -1 : 1)).map(({ id }) => id)
  const [first, second, third, fourth, fifth] = byAge as [string, string, string, string, string]
  const message = messageOf(await world.send(alice, second, { text: 'hi' }))
  must(await world.calls.addMembers({ actor: actorOf(alice), conversationId: second, userIds: [bob] }))

  const all = must(await world.calls.listConversations({ actor: actorOf(alice) }))
  expect(all.conversations.map(({ id }) => id)).toEqual([second, fifth, fourth, third, first])
  expect(all.nextCursor).toBeNull()
  const { duplicate, ...lastMessage } = message
  expect(duplicate).toBe(false)
  expect(all.conversations[0]).toMatchObject({ lastMessage, lastSequence: 1, memberCount: 2, me: { unreadCount: 0 } })

  const paged: string[] = []
  let cursor: string | null = null
  do {
    const request = { actor: actorOf(alice), limit: 2, ...(cursor === null ? {} : { cursor }) }
    const page: Awaited<ReturnType<typeof world.calls.listConversations>> = await world.calls.listConversations(request)
    const { conversations, nextCursor } = must(page)
    paged.push(...conversations.map(({ id }) => id))
    cursor = nextCursor
  } while (cursor !== null)
  expect(paged).toEqual([second, fifth, fourth, third, first])

  // Who came later does not see what was said before.
  const [seenByBob] = must(await world.calls.listConversations({ actor: actorOf(bob) })).conversations
  expect(seenByBob).toMatchObject({
    id: second,
    lastMessage: null,
    lastSequence: 1,
    me: { joinedSequence: 1, unreadCount: 0 },
  })
})

test('an inbox of long messages is paged below what NATS can carry', async () => {
  const alice = newUser()
  for (let index = 0; index < 20; index++) {
    await world.send(alice, (await world.createGroup(alice)).id, { text: '語'.repeat(10_000) })
  }
  const page = must(await world.calls.listConversations({ actor: actorOf(alice), limit: 100 }))
  expect(JSON.stringify(page).length).toBeLessThan(512 * 1024)
  expect(page.conversations.length).toBeLessThan(20)
  const rest = must(await world.calls.listConversations({ actor: actorOf(alice), cursor: page.nextCursor! }))
  expect(page.conversations.length + rest.conversations.length).toBe(20)
  expect(rest.nextCursor).toBeNull()
})

test('a cursor that was never given out is refused', async () => {
  const actor = actorOf(newUser())
  const { id: conversationId } = await world.createGroup(actor.userId)
  const wrong = [
    'nonsense',
    '',
    Buffer.from('[1]').toString('base64url'),
    Buffer.from('["x","y"]').toString('base64url'),
  ]
  for (const cursor of wrong) {
    expect(refusalOf(await world.calls.listConversations({ actor, cursor }))).toBe('invalid_input')
    expect(refusalOf(await world.calls.listMembers({ actor, conversationId, cursor }))).toBe('invalid_input')
  }
})

test('to everybody else a conversation looks as if it did not exist', async () => {
  const [alice, eve] = [newUser(), newUser()]
  const { id } = await world.createGroup(alice)
  for (const conversationId of [id, v4()]) {
    const request = { actor: actorOf(eve), conversationId }
    const answers = [
      await world.calls.getConversation(request),
      await world.calls.getMessages(request),
      await world.calls.listMembers(request),
      await world.calls.leaveConversation(request),
      await world.calls.addMembers({ ...request, userIds: [eve] }),
      await world.calls.removeMember({ ...request, userId: alice }),
      await world.calls.changeRole({ ...request, userId: alice, role: 'member' }),
      await world.calls.updateConversation({ ...request, title: 'mine' }),
      await world.calls.muteConversation({ ...request, until: null }),
    ]
    expect(answers.map(refusalOf)).toEqual(Array(answers.length).fill('not_a_member'))
    expect(must(await world.calls.isMember({ userId: eve, conversationId })).member).toBe(false)
  }
  expect(must(await world.calls.isMember({ userId: alice, conversationId: id })).member).toBe(true)
})

test('while auth is away nobody new can be brought in, and a retry of what is there is answered', async () => {
  await using lonely = await openWorld({ withAuth: false })
  const [alice, bob] = [newUser(), newUser()]
  const request = { actor: actorOf(alice), id: v4(), kind: 'group' as const, memberIds: [] }
  must(await lonely.calls.createConversation(request))
  expect(must(await lonely.calls.createConversation(request)).id).toBe(request.id)
  const asking = lonely.calls.createConversation({ ...request, id: v4(), memberIds: [bob] })
  await expect(asking).rejects.toBeInstanceOf(BusError)
})

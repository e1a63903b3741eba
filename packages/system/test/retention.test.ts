import { openChat, openRest, RefusedError, uploadFile, type Chat } from '@parley/client'
import {
  operations,
  type Conversation,
  type Hold,
  type HubEvent,
  type Message,
  type OperationName,
} from '@parley/protocol'
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { v7 as uuidv7 } from 'uuid'
import { administer, type Administrator } from '../src/administering.ts'
import { asker } from '../src/asker.ts'
import { join, signIn, type Participant } from '../src/participant.ts'
import { searchStores } from '../src/search-stores.ts'
import { startAgingSystem, type AgingSystem } from '../src/start-aging-system.ts'

const DAY_MS = 24 * 60 * 60 * 1_000
const DAYS = 2
const CONFIRM_ABOVE = 4
const PATIENCE = { timeout: 60_000, interval: 200 }
const NEVER = '0 0 29 2 *'

let system: AgingSystem
let admin: Administrator
let database: pg.Client
beforeAll(async () => {
  system = await startAgingSystem({
    RETENTION_CONFIRM_ABOVE: String(CONFIRM_ABOVE),
    RETENTION_EXPIRE_SCHEDULE: NEVER,
    RETENTION_VERIFY_SCHEDULE: NEVER,
    RETENTION_DROP_SCHEDULE: NEVER,
  })
  database = new pg.Client({ connectionString: system.adminUrl })
  await database.connect()
  admin = await administer(system.gatewayUrls[0])
}, 180_000)
afterAll(async () => {
  await database?.end()
  await system?.[Symbol.asyncDispose]()
})

describe('what has expired', () => {
  test('is hidden from everybody on every path at once, and then gone from every store and every client', async () => {
    await using talk = await openTalk()
    const { alice, bob, away, conversationId } = talk
    const word = `word${randomUUID().slice(0, 8)}`
    const uploadId = await uploadAs(alice, conversationId)
    const first = await talk.say({ text: `${word} one`, attachments: [uploadId], mentions: [bob.user.id] })
    const second = await talk.say({ text: `${word} two`, replyTo: first.id })
    await alice.invoke('EditMessage', { ...placeOf(second), text: `${word} two, edited` })
    await bob.invoke('AddReaction', { ...placeOf(first), emoji: '👍' })
    await bob.invoke('MarkRead', { conversationId, sequence: 1 })
    await expect.poll(() => countRows('read_log', 'conversation_id', conversationId)).toBeGreaterThan(0)
    const third = await talk.say({ text: 'stays one', replyTo: first.id })
    const fourth = await talk.say({ text: 'stays two' })
    await expect.poll(() => sequencesOf(talk.chat, conversationId)).toEqual([1, 2, 3, 4])
    const stateOfAway = away.state
    await away[Symbol.asyncDispose]()
    await admin.perform('SetRetentionPolicy', { conversationId, messageDays: DAYS, fileDays: null })

    await system.setClock(afterDays(second, DAYS))
    for (const person of [alice, bob]) {
      expect(await textsOf(person, { conversationId })).toEqual(['stays one', 'stays two'])
      expect(await textsOf(person, { conversationId, before: 3 })).toEqual([])
      expect(await textsOf(person, { conversationId, before: 2 })).toBe('history_expired')
      expect(await textsOf(person, { conversationId, after: 0 })).toBe('history_expired')
      expect(await textsOf(person, { conversationId, after: 2 })).toEqual(['stays one', 'stays two'])
      for (const operation of ['GetReceipts', 'ListEdits', 'DeleteMessage'] as const) {
        for (const message of [first, second]) {
          expect(await codeOf(person.invoke(operation, placeOf(message))), operation).toBe('message_not_found')
        }
      }
      expect(await codeOf(person.invoke('EditMessage', { ...placeOf(first), text: 'x' }))).toBe('message_not_found')
      expect(await codeOf(person.invoke('AddReaction', { ...placeOf(first), emoji: '👎' }))).toBe('message_not_found')
      expect(await codeOf(person.invoke('SendMessage', replyTo(second)))).toBe('reply_not_found')
      const rest = openRest({ url: system.gatewayUrls[0], accessToken: person.accessToken })
      expect(await refusalOf(rest.perform('DownloadMedia', { id: uploadId }))).toMatchObject({
        code: 'upload_not_found',
      })
      expect(await refusalOf(rest.perform('DownloadThumbnail', { id: uploadId, size: 'small' }))).toMatchObject({
        code: 'upload_not_found',
      })
      const refused = await refusalOf(rest.perform('GetMessages', { conversationId, after: 0 }))
      expect(refused).toMatchObject({ code: 'history_expired', data: { firstKeptSequence: 3 } })
    }
    const seenByBob = await bob.invoke<Conversation>('GetConversation', { conversationId })
    expect(seenByBob).toMatchObject({ lastMessage: { id: fourth.id }, me: { unreadCount: 2, mentionCount: 0 } })
    const synced = await bob.invoke<{ conversations: { messages: Message[] }[] }>('Sync', {
      conversations: [],
      since: null,
    })
    expect(synced.conversations[0]!.messages.map(({ id }) => id)).toEqual([third.id, fourth.id])

    const run = await admin.run('expire')
    expect(run).toMatchObject({ result: 'done', counts: { 'postgres.messages': 2, files: 1 } })
    for (const message of [first, second]) {
      expect(await countRows('messages', 'id', message.id)).toBe(0)
      expect(await countRows('message_edits', 'message_id', message.id)).toBe(0)
      expect(await countRows('reactions', 'message_id', message.id)).toBe(0)
      expect(await countRows('unread_mentions', 'message_id', message.id)).toBe(0)
    }
    expect(await countRows('messages', 'conversation_id', conversationId)).toBe(2)
    await expect.poll(() => keysOf(uploadId), PATIENCE).toEqual([])

    await expect.poll(() => talk.toldBob.at(-1), PATIENCE).toMatchObject({ id: conversationId, firstKeptSequence: 3 })
    await expect.poll(() => sequencesOf(talk.chat, conversationId), PATIENCE).toEqual([3, 4])
    expect(talk.chat.state.conversations.get(conversationId)!.conversation.firstKeptSequence).toBe(3)
    expect(await talk.chat.loadMessages(conversationId, { before: 2 })).toEqual([])
    await using back = await openChat({ url: system.gatewayUrls[1], accessToken: talk.awayToken, state: stateOfAway })
    expect(stateOfAway.conversations.get(conversationId)!.messages).toHaveLength(4)
    expect(sequencesOf(back, conversationId)).toEqual([3, 4])
    expect(back.state.conversations.get(conversationId)!.conversation).toMatchObject({
      firstKeptSequence: 3,
      lastMessage: { id: fourth.id },
      me: { unreadCount: 2 },
    })
    // What stands in JetStream goes by itself after three days.
    const places = (await searchStores(system, [word])).filter((place) => !place.startsWith('stream MESSAGING'))
    expect(places).toEqual([])
  }, 180_000)

  test('leaves a conversation of which nothing is kept without last message and without unread ones', async () => {
    await using talk = await openTalk()
    const { bob, conversationId } = talk
    const only = await talk.say({ text: 'soon gone' })
    await admin.perform('SetRetentionPolicy', { conversationId, messageDays: DAYS, fileDays: null })
    await system.setClock(new Date(afterDays(only, DAYS).getTime() - 1))
    expect(await textsOf(bob, { conversationId })).toEqual(['soon gone'])
    await system.setClock(afterDays(only, DAYS))
    expect(await textsOf(bob, { conversationId })).toEqual([])
    expect(await admin.run('expire')).toMatchObject({ result: 'done' })
    await expect.poll(() => sequencesOf(talk.chat, conversationId), PATIENCE).toEqual([])
    expect(talk.chat.state.conversations.get(conversationId)!.conversation).toMatchObject({
      lastMessage: null,
      lastSequence: 1,
      firstKeptSequence: 2,
      me: { unreadCount: 0 },
    })
    await system.setClock(undefined)
    const next = await talk.say({ text: 'and on' })
    await expect.poll(() => sequencesOf(talk.chat, conversationId), PATIENCE).toEqual([next.sequence])
    expect(talk.chat.state.conversations.get(conversationId)!.conversation.me).toMatchObject({ unreadCount: 1 })
  }, 120_000)
})

describe('a policy', () => {
  test('of a conversation comes before that of its kind, and that before the default', async () => {
    await using talk = await openTalk()
    const { alice, bob, conversationId } = talk
    const direct = await alice.invoke<Conversation>('CreateConversation', { kind: 'direct', memberIds: [bob.user.id] })
    const said = await alice.say(direct.id, 'in private')
    const kept = await talk.say({ text: 'in the group' })
    await admin.perform('SetRetentionPolicy', { kind: 'direct', messageDays: DAYS, fileDays: null })
    await system.setClock(afterDays(kept, DAYS))
    expect(await textsOf(bob, { conversationId: direct.id })).toEqual([])
    expect(await textsOf(bob, { conversationId })).toEqual(['in the group'])
    const own = { conversationId: direct.id, messageDays: 30, fileDays: null }
    await admin.perform('SetRetentionPolicy', own)
    expect(await textsOf(bob, { conversationId: direct.id })).toEqual(['in private'])
    const { policies } = await admin.perform('ListRetentionPolicies', { limit: 100 })
    expect(policies).toContainEqual(expect.objectContaining({ ...own, kind: null, changedBy: admin.userId }))
    expect(policies).toContainEqual(expect.objectContaining({ kind: 'direct', messageDays: DAYS }))
    expect((await bob.invoke<Conversation>('GetConversation', { conversationId: direct.id })).retentionDays).toBe(30)

    await admin.perform('SetRetentionPolicy', { ...own, messageDays: null })
    expect(await textsOf(bob, { conversationId: direct.id })).toEqual([])
    expect(await admin.run('expire')).toMatchObject({ result: 'done' })
    expect(await countRows('messages', 'id', said.id)).toBe(0)
    await admin.perform('SetRetentionPolicy', { kind: 'direct', messageDays: null, fileDays: null })
    // What has gone does not come back.
    expect(await textsOf(bob, { conversationId: direct.id })).toEqual([])
  }, 120_000)

  test('can keep files for fewer days than messages: the file goes, its message stays', async () => {
    await using talk = await openTalk()
    const { alice, bob, conversationId } = talk
    const uploadId = await uploadAs(alice, conversationId)
    const message = await talk.say({ text: 'with a file', attachments: [uploadId] })
    const rest = openRest({ url: system.gatewayUrls[0], accessToken: bob.accessToken })
    await rest.perform('DownloadMedia', { id: uploadId })
    await admin.perform('SetRetentionPolicy', { conversationId, messageDays: 10, fileDays: DAYS })
    await system.setClock(afterDays(message, DAYS))
    expect(await refusalOf(rest.perform('DownloadMedia', { id: uploadId }))).toMatchObject({ code: 'upload_not_found' })
    expect(await admin.run('expire')).toMatchObject({ result: 'done', counts: { files: 1 } })
    await expect.poll(() => keysOf(uploadId), PATIENCE).toEqual([])
    const { messages } = await bob.invoke<{ messages: Message[] }>('GetMessages', { conversationId })
    expect(messages).toMatchObject([{ id: message.id, attachments: [{ id: uploadId }] }])
  }, 120_000)

  test('by which much would expire must be confirmed with the numbers of its dry run', async () => {
    await using talk = await openTalk()
    const { conversationId } = talk
    let last = await talk.say({ text: '0' })
    for (let count = 1; count <= CONFIRM_ABOVE; count += 1) last = await talk.say({ text: String(count) })
    await system.setClock(afterDays(last, DAYS))
    const policy = { conversationId, messageDays: DAYS, fileDays: null }
    const messages = CONFIRM_ABOVE + 1
    expect(await admin.perform('PreviewRetentionPolicy', policy)).toMatchObject({
      effect: { conversations: 1, messages, files: 0, heldMessages: 0, isComplete: true },
      needsConfirmation: true,
    })
    const confirmedWith = (confirmed: { messages: number; files: number } | undefined) =>
      refusalOf(admin.perform('SetRetentionPolicy', { ...policy, ...(confirmed && { confirmed }) }))
    const needed = { code: 'confirmation_needed', data: { messages, files: 0 } }
    expect(await confirmedWith(undefined)).toMatchObject(needed)
    expect(await confirmedWith({ messages: messages - 1, files: 0 })).toMatchObject(needed)
    expect(await textsOf(talk.bob, { conversationId })).toHaveLength(messages)
    expect(await confirmedWith({ messages, files: 0 })).toBeUndefined()
    expect(await textsOf(talk.bob, { conversationId })).toEqual([])
    expect(
      await refusalOf(admin.perform('PreviewRetentionPolicy', { ...policy, conversationId: randomUUID() })),
    ).toMatchObject({
      code: 'conversation_not_found',
    })
  }, 60_000)
})

describe('a legal hold', () => {
  test('changes nothing of what people see, and keeps what would be deleted until it is released', async () => {
    await using talk = await openTalk()
    const { alice, bob, conversationId } = talk
    const uploadId = await uploadAs(alice, conversationId)
    const held = await talk.say({ text: 'of alice', attachments: [uploadId] })
    const deleted = await talk.say({ text: 'of alice, deleted' })
    const other = await bob.say(conversationId, 'of bob')
    const asked = { id: randomUUID(), userId: alice.user.id, reason: 'a lawsuit' }
    const hold = await admin.perform('PlaceHold', asked)
    expect(hold).toMatchObject({ ...asked, conversationId: null, placedBy: admin.userId, releasedAt: null })
    expect(await admin.perform('PlaceHold', asked)).toEqual(hold)
    expect(await refusalOf(admin.perform('PlaceHold', { ...asked, reason: 'another' }))).toMatchObject({
      code: 'hold_id_conflict',
    })
    await alice.invoke('DeleteMessage', placeOf(deleted))
    await admin.perform('SetRetentionPolicy', { conversationId, messageDays: DAYS, fileDays: null })
    await system.setClock(afterDays(other, DAYS))
    expect(await textsOf(alice, { conversationId })).toEqual([])
    expect(await admin.run('expire')).toMatchObject({ result: 'done', counts: { 'postgres.held': expect.any(Number) } })
    await expect.poll(() => sequencesOf(talk.chat, conversationId), PATIENCE).toEqual([])
    expect(await countRows('messages', 'conversation_id', conversationId)).toBe(0)
    expect(await heldTexts(conversationId)).toEqual(['of alice', 'of alice, deleted'])
    expect(await keysOf(uploadId)).not.toEqual([])
    expect(await admin.run('verify')).toMatchObject({ result: 'done', findings: [] })
    expect(await listHolds({ userId: alice.user.id })).toEqual([hold])

    const released = await admin.perform('ReleaseHold', { holdId: hold.id })
    expect(released).toMatchObject({ id: hold.id, releasedBy: admin.userId, releasedAt: expect.any(String) })
    expect(await listHolds({ userId: alice.user.id })).toEqual([])
    expect(await listHolds({ userId: alice.user.id, released: true })).toEqual([released])
    expect(await admin.run('expire')).toMatchObject({ result: 'done' })
    expect(await heldTexts(conversationId)).toEqual([])
    expect(await countRows('held_messages', 'id', held.id)).toBe(0)
    await expect.poll(() => keysOf(uploadId), PATIENCE).toEqual([])
  }, 180_000)

  test('is for somebody, or some conversation, that there is', async () => {
    const place = (of: { userId?: string; conversationId?: string }) =>
      refusalOf(admin.perform('PlaceHold', { ...of, reason: 'a reason' }))
    expect(await place({ userId: randomUUID() })).toMatchObject({ code: 'user_not_found' })
    expect(await place({ conversationId: randomUUID() })).toMatchObject({ code: 'conversation_not_found' })
    expect(await place({})).toMatchObject({ code: 'invalid_input' })
    expect(await place({ userId: randomUUID(), conversationId: randomUUID() })).toMatchObject({ code: 'invalid_input' })
    expect(await refusalOf(admin.perform('ReleaseHold', { holdId: randomUUID() }))).toMatchObject({
      code: 'hold_not_found',
    })
  })
})

test('every decision is in the audit log, once, with who has made it', async () => {
  await using talk = await openTalk()
  const { conversationId } = talk
  await admin.perform('SetRetentionPolicy', { conversationId, messageDays: 20, fileDays: 10 })
  const { id: holdId } = await admin.perform('PlaceHold', { conversationId, reason: 'a lawsuit' })
  await admin.perform('ReleaseHold', { holdId })
  await admin.run('verify')
  const about = async (action: string, field: string, value: string) =>
    (await admin.audited(action))
      .filter(({ details }) => JSON.stringify(details?.[field] ?? null).includes(value))
      .map(({ actorId }) => actorId)
  await expect.poll(() => about('retention-policy-set', 'scope', conversationId), PATIENCE).toEqual([admin.userId])
  await expect.poll(() => about('hold-placed', 'holdId', holdId), PATIENCE).toEqual([admin.userId])
  await expect.poll(() => about('hold-released', 'holdId', holdId), PATIENCE).toEqual([admin.userId])
  await expect
    .poll(async () => (await about('retention-run-started', 'kind', 'verify')).length, PATIENCE)
    .toBeGreaterThan(0)
}, 60_000)

test('none of it is for who is no administrator, and nothing of what they ask is done', async () => {
  const { accessToken } = await signIn(system.gatewayUrls[0], 'somebody')
  await using somebody = await asker(system.gatewayUrls[0], accessToken)
  const names = (Object.keys(operations) as OperationName[]).filter((name) =>
    /Retention|Hold|Run|Eras|Export/.test(name),
  )
  expect(names).toHaveLength(12)
  const input = {
    kind: 'verify',
    messageDays: 2,
    fileDays: null,
    userId: randomUUID(),
    holdId: randomUUID(),
    reason: 'x',
  }
  for (const name of names) {
    const { answer } = await somebody.ask(name, input)
    expect(answer, name).toMatchObject({ status: 403, code: 'forbidden' })
  }
})

describe('the verifier', () => {
  test('finds what should be gone, and nothing when it is', async () => {
    await using talk = await openTalk()
    const { conversationId } = talk
    const message = await talk.say({ text: 'should be gone' })
    await admin.perform('SetRetentionPolicy', { conversationId, messageDays: DAYS, fileDays: null })
    await system.setClock(afterDays(message, DAYS + 1))
    expect(await admin.run('verify')).toMatchObject({
      result: 'remains',
      findings: expect.arrayContaining([{ store: 'postgres', what: 'an expired message', id: message.id }]),
    })
    expect(await admin.run('expire')).toMatchObject({ result: 'done' })
    const planted = uuidv7()
    await database.query(
      `insert into messaging.reactions (message_id, emoji, user_id, reacted_at) values ($1, '👍', $2, now())`,
      [planted, talk.bob.user.id],
    )
    expect(await admin.run('verify')).toMatchObject({
      result: 'remains',
      findings: [{ store: 'postgres', what: 'a reaction without message', id: planted }],
    })
    await database.query('delete from messaging.reactions where message_id = $1', [planted])
    expect(await admin.run('verify')).toMatchObject({ result: 'done', findings: [] })
  }, 180_000)
})

/** The last: this month is gone after it. */
test('months are made ahead of time, and dropped when nothing of them is kept', async () => {
  await using talk = await openTalk()
  const message = await talk.say({ text: 'a year ago' })
  const month = message.createdAt.slice(0, 7).replace('-', '_')
  expect(await monthTables()).toContain(`messages_${month}`)
  await system.setClock(afterDays(message, 365 + 40))
  const made = await admin.run('create-months')
  expect(made.result).toBe('done')
  const ahead = new Date(afterDays(message, 365 + 40))
  ahead.setUTCMonth(ahead.getUTCMonth() + 3, 1)
  expect(await monthTables()).toContain(`messages_${ahead.toISOString().slice(0, 7).replace('-', '_')}`)
  expect(await admin.run('expire')).toMatchObject({ result: 'done' })
  const dropped = await admin.run('drop-months')
  expect(dropped.result).toBe('done')
  expect(dropped.months.join()).toContain(month)
  expect((await monthTables()).filter((name) => name.endsWith(month))).toEqual([])
  expect(await textsOf(talk.bob, { conversationId: talk.conversationId })).toEqual([])
  expect(await admin.run('verify')).toMatchObject({ result: 'done', findings: [] })
}, 180_000)

/** One pixel. */
const GIF = Buffer.from('R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs=', 'base64')

interface Saying {
  readonly text: string
  readonly attachments?: string[]
  readonly mentions?: string[]
  readonly replyTo?: string
}

/** Alice speaks by the official client and Bob hears by it; Carol by Parley's, once more on a device that goes away. */
async function openTalk() {
  await using stack = new AsyncDisposableStack()
  await system.setClock(undefined)
  const [url, otherUrl] = system.gatewayUrls
  const toldBob: HubEvent<'ConversationUpdated'>[] = []
  const alice = stack.use(await join(url, `alice ${randomUUID()}`))
  const bob = stack.use(
    await join(otherUrl, `bob ${randomUUID()}`, {
      prepare: (connection) => connection.on('ConversationUpdated', (told) => toldBob.push(told as Conversation)),
    }),
  )
  const carol = await signIn(url, `carol ${randomUUID()}`)
  const { id: conversationId } = await alice.invoke<Conversation>('CreateConversation', {
    kind: 'group',
    memberIds: [bob.user.id, carol.user.id],
  })
  const chat = stack.use(await openChat({ url, accessToken: carol.accessToken }))
  const away = stack.use(await openChat({ url: otherUrl, accessToken: carol.accessToken }))
  const opened = stack.move()
  return {
    alice,
    bob,
    chat,
    away,
    awayToken: carol.accessToken,
    toldBob,
    conversationId,
    /** Every witness has it when it is answered. */
    async say(saying: Saying): Promise<Message> {
      const sent = await alice.invoke<Message>('SendMessage', { conversationId, id: uuidv7(), ...saying })
      for (const one of [chat, away]) {
        await expect.poll(() => sequencesOf(one, conversationId), PATIENCE).toContain(sent.sequence)
      }
      await expect.poll(() => bob.heard.map(({ id }) => id), PATIENCE).toContain(sent.id)
      return sent
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

const afterDays = ({ createdAt }: Message, days: number): Date => new Date(Date.parse(createdAt) + days * DAY_MS)

const placeOf = ({ conversationId, id }: Message) => ({ conversationId, messageId: id })

const replyTo = ({ conversationId, id }: Message) => ({ conversationId, id: uuidv7(), text: 'a reply', replyTo: id })

const sequencesOf = (chat: Chat, conversationId: string) =>
  chat.state.conversations.get(conversationId)?.messages.map(({ sequence }) => sequence)

async function uploadAs({ accessToken }: Participant, conversationId: string): Promise<string> {
  const file = new Blob([GIF], { type: 'image/gif' })
  const { id } = await uploadFile({ url: system.gatewayUrls[0], accessToken }, { conversationId, file, name: 'x.gif' })
  return id
}

/** Objects of an upload, and of its thumbnails. */
const keysOf = async (uploadId: string) => (await system.bucket.listKeys()).filter((key) => key.includes(uploadId))

/** The texts, or the code of the refusal. */
async function textsOf(person: Participant, page: { conversationId: string; before?: number; after?: number }) {
  try {
    const { messages } = await person.invoke<{ messages: Message[] }>('GetMessages', page)
    return messages.map(({ text }) => text)
  } catch (error) {
    return codeIn(error)
  }
}

const codeIn = (error: unknown): string =>
  /(\w+): /.exec((error as Error).message.replace(/^.*HubException: /, ''))![1]!

const codeOf = (asked: Promise<unknown>): Promise<string> => asked.then(() => 'done', codeIn)

/** Undefined: it was not refused. */
const refusalOf = (asked: Promise<unknown>): Promise<RefusedError | undefined> =>
  asked.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof RefusedError) return error
      throw error
    },
  )

async function listHolds(which: { userId: string; released?: boolean }): Promise<Hold[]> {
  const { holds } = await admin.perform('ListHolds', which)
  return holds
}

async function countRows(table: string, column: string, value: string): Promise<number> {
  const counting = `select count(*)::int as count from messaging.${table} where ${column} = $1`
  const { rows } = await database.query<{ count: number }>(counting, [value])
  return rows[0]!.count
}

async function heldTexts(conversationId: string): Promise<string[]> {
  const { rows } = await database.query<{ text: string }>(
    `select content -> 'message' ->> 'text' as text from messaging.held_messages where conversation_id = $1 order by id`,
    [conversationId],
  )
  return rows.map(({ text }) => text)
}

async function monthTables(): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'messaging'::regnamespace and relkind = 'r'`,
  )
  return rows.map(({ name }) => name)
}

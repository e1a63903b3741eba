import { HubConnectionState } from '@microsoft/signalr'
import { openChat, openRest, uploadFile, type Chat, type RefusedError } from '@parley/client'
import type { Conversation, Message, User } from '@parley/protocol'
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { v7 as uuidv7 } from 'uuid'
import { administer, type Administrator } from '../src/administering.ts'
import { signInByOAuth } from '../src/oauth-session.ts'
import { join, signIn, type Participant } from '../src/participant.ts'
import { readZip } from '../src/read-zip.ts'
import { searchStores } from '../src/search-stores.ts'
import { startAgingSystem, type AgingSystem } from '../src/start-aging-system.ts'

const PATIENCE = { timeout: 60_000, interval: 200 }

let system: AgingSystem
let admin: Administrator
let database: pg.Client
beforeAll(async () => {
  system = await startAgingSystem()
  database = new pg.Client({ connectionString: system.adminUrl })
  await database.connect()
  admin = await administer(system.gatewayUrls[0])
}, 180_000)
afterAll(async () => {
  await database?.end()
  await system?.[Symbol.asyncDispose]()
})

describe('an erased user', () => {
  test('is signed out, nothing that is stored anywhere names them or says what they have said, and what is brought back is found', async () => {
    await using life = await liveALife()
    const { alice, aliceChat, bob, carolChat, away, conversationId, directId, messages, words, uploadId } = life
    const [url] = system.gatewayUrls
    const session = await signInByOAuth(url, life.name)
    expect(session.subject).toBe(alice.user.id)
    const places = (await searchStores(system, words)).map((place) => /^\w+/.exec(place)![0])
    expect(new Set(places)).toEqual(new Set(['postgres', 'stream', 'redis', 'bucket']))
    await closeForms()
    const stateOfAway = away.state
    await away[Symbol.asyncDispose]()

    const erasure = await admin.erase(alice.user.id)
    expect(erasure.steps.map(({ service }) => service)).toEqual(
      expect.arrayContaining(['auth', 'messaging', 'media', 'presence']),
    )
    for (const { state } of erasure.steps) expect(state).toBe('done')
    expect(erasure).toMatchObject({ userId: alice.user.id, requestedBy: admin.userId, reason: 'asked for it' })
    expect((await admin.perform('EraseUser', { userId: alice.user.id, reason: 'again' })).id).toBe(erasure.id)

    await expect.poll(() => alice.connection.state, PATIENCE).not.toBe(HubConnectionState.Connected)
    await expect.poll(() => aliceChat.status, PATIENCE).toBe('closed')
    const me = await fetch(`${url}/api/v1/me`, { headers: { authorization: `Bearer ${alice.accessToken}` } })
    expect(me.status).toBe(401)
    await expect(session.refresh()).rejects.toThrow()

    for (const id of [conversationId, directId]) {
      const seen = await bob.invoke<{ messages: Message[] }>('GetMessages', { conversationId: id })
      for (const message of seen.messages.filter(({ senderId }) => senderId === alice.user.id)) {
        expect(message).toMatchObject({ text: '', attachments: [], mentions: [], reactions: [] })
        expect(message.deletedAt).not.toBeNull()
      }
      const ofBob = seen.messages.filter(({ senderId }) => senderId === bob.user.id)
      for (const { text, reactions } of ofBob) expect([text, reactions]).toEqual(['of bob', []])
      expect(ofBob).toHaveLength(1)
    }
    const ids = messages.map(({ id }) => id)
    await expect.poll(() => textsOf(carolChat, conversationId, ids), PATIENCE).toEqual(ids.map(() => ''))
    await using back = await openChat({ url, accessToken: life.carolToken, state: stateOfAway })
    expect(textsOf(back, conversationId, ids)).toEqual(ids.map(() => ''))
    expect((await system.bucket.listKeys()).filter((key) => key.includes(uploadId))).toEqual([])

    expect(await searchStores(system, words)).toEqual([])
    expect(await admin.run('verify')).toMatchObject({ result: 'done', findings: [] })
    // As a backup would bring it back.
    await database.query(`update auth.users set display_name = 'Zephyrine' where id = $1`, [alice.user.id])
    expect(await admin.run('verify')).toMatchObject({
      result: 'remains',
      findings: [{ store: 'postgres', what: 'profile', id: alice.user.id }],
    })
    // Who comes with the same name is somebody else.
    expect((await signIn(url, life.name)).user.id).not.toBe(alice.user.id)
  }, 240_000)

  test('waits while a legal hold is on them, and says so', async () => {
    await using erin = await join(system.gatewayUrls[0], `erin ${randomUUID()}`)
    const userId = erin.user.id
    const { id: conversationId } = await erin.invoke<Conversation>('CreateConversation', {
      kind: 'group',
      memberIds: [],
    })
    await erin.say(conversationId, 'to be kept')
    const hold = await admin.perform('PlaceHold', { userId, reason: 'a lawsuit' })
    await admin.perform('EraseUser', { userId, reason: 'asked for it' })
    const stateNow = async () => (await admin.perform('GetErasure', { userId })).state
    await expect.poll(stateNow, PATIENCE).toBe('held')
    expect(await erin.invoke<User>('GetMe', {})).toMatchObject({ id: userId })
    await admin.perform('ReleaseHold', { holdId: hold.id })
    await expect.poll(stateNow, PATIENCE).not.toBe('held')
    await expect.poll(() => erin.connection.state, PATIENCE).not.toBe(HubConnectionState.Connected)
  }, 120_000)

  test('must be somebody', async () => {
    const userId = randomUUID()
    expect(await codeOf(admin.perform('EraseUser', { userId, reason: 'x' }))).toBe('user_not_found')
    expect(await codeOf(admin.perform('GetErasure', { userId }))).toBe('erasure_not_found')
    expect(await codeOf(admin.perform('ExportUser', { userId }))).toBe('user_not_found')
    expect(await codeOf(admin.perform('GetExport', { userId }))).toBe('export_not_found')
  })
})

test('an export is a ZIP of all that is kept of a user and nothing of others, and goes with them', async () => {
  await using life = await liveALife()
  const { alice, conversationId, messages, uploadId } = life
  const userId = alice.user.id
  const exported = await admin.export(userId)
  const contents = await readZip(exported.url!)
  const recordsIn = (path: string) => JSON.parse(String(contents.get(path))) as Record<string, unknown>[]
  const own = recordsIn('messaging/messages.json').filter((message) => message['conversationId'] === conversationId)
  const { messages: seen } = await life.bob.invoke<{ messages: Message[] }>('GetMessages', { conversationId })
  expect(own.map(({ id }) => id)).toEqual(messages.map(({ id }) => id))
  expect(own.map(({ text }) => text)).toEqual(
    seen.filter(({ senderId }) => senderId === userId).map(({ text }) => text),
  )
  expect(JSON.stringify(recordsIn('messaging/edits.json'))).toContain(life.words[1])
  expect(JSON.stringify(recordsIn('messaging/reactions.json'))).toContain('👍')
  expect(JSON.stringify(recordsIn('presence/status.json'))).toContain(life.words[1])
  const all = [...contents].map(([path, content]) => `${path} ${content.toString('latin1')}`).join('\n')
  expect(all).toContain(life.name)
  expect(all).not.toContain('of bob')
  const [, file] = [...contents].find(([path]) => path.startsWith('files/') && path.includes(uploadId))!
  expect(String(file)).toBe(`${life.words[1]} in a file`)
  expect(JSON.parse(String(contents.get('report.json')))).toMatchObject({ userId, missingFiles: [] })
  expect(exported).toMatchObject({ requestedBy: admin.userId, state: 'ready', size: expect.any(Number) })
  const whoDid = async (action: string) =>
    (await admin.audited(action)).filter((entry) => entry.userId === userId).map(({ actorId }) => actorId)
  await expect.poll(() => whoDid('export-requested'), PATIENCE).toEqual([admin.userId])
  await expect.poll(() => whoDid('export-downloaded'), PATIENCE).toContain(admin.userId)

  await closeForms()
  await admin.erase(userId)
  expect((await fetch(exported.url!)).status).toBe(404)
  expect(await searchStores(system, life.words)).toEqual([])
  await expect.poll(() => whoDid('erasure-requested'), PATIENCE).toEqual([admin.userId])
  await expect.poll(() => whoDid('erasure-finished'), PATIENCE).toEqual([null])
}, 240_000)

/** One pixel. */
const GIF = Buffer.from('R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs=', 'base64')

/** Alice has done everything that leaves something of her anywhere; what names her has `words` in it. */
async function liveALife() {
  await using stack = new AsyncDisposableStack()
  const [url, otherUrl] = system.gatewayUrls
  const name = `Zephyrine${randomUUID().slice(0, 8)}`
  const word = `word${randomUUID().slice(0, 8)}`
  const words = [name, word] as const
  const alice = stack.use(await join(url, name))
  const aliceChat = stack.use(await openChat({ url: otherUrl, accessToken: alice.accessToken }))
  const bob = stack.use(await join(otherUrl, `bob ${randomUUID()}`))
  const carol = await signIn(url, `carol ${randomUUID()}`)
  const { id: conversationId } = await alice.invoke<Conversation>('CreateConversation', {
    kind: 'group',
    memberIds: [bob.user.id, carol.user.id],
  })
  const { id: directId } = await alice.invoke<Conversation>('CreateConversation', {
    kind: 'direct',
    memberIds: [bob.user.id],
  })
  const carolChat = stack.use(await openChat({ url, accessToken: carol.accessToken }))
  const away = stack.use(await openChat({ url: otherUrl, accessToken: carol.accessToken }))

  await openRest({ url, accessToken: alice.accessToken }).perform('FindUsers', { query: name })
  await alice.invoke('SetStatus', { status: 'busy', text: `${word} status` })
  await setAvatar(alice)
  const uploadId = await uploadAs(alice, conversationId, word)
  const first = await alice.say(conversationId, `${word} first`)
  const second = await alice.invoke<Message>('SendMessage', {
    conversationId,
    id: uuidv7(),
    text: `${word} second`,
    attachments: [uploadId],
    replyTo: first.id,
    mentions: [bob.user.id],
  })
  await alice.invoke('EditMessage', { conversationId, messageId: first.id, text: `${word} edited` })
  await alice.say(directId, `${word} in private`)
  for (const id of [conversationId, directId]) {
    const { id: messageId } = await bob.say(id, 'of bob')
    await alice.invoke('AddReaction', { conversationId: id, messageId, emoji: '👍' })
  }
  await alice.invoke('MarkRead', { conversationId, sequence: 3 })
  await alice.invoke('MuteConversation', { conversationId, until: new Date(Date.now() + 1e9).toISOString() })
  for (const chat of [carolChat, away]) {
    await expect.poll(() => textsOf(chat, conversationId, [first.id]), PATIENCE).toEqual([`${word} edited`])
  }
  const opened = stack.move()
  return {
    name,
    words,
    alice,
    aliceChat,
    bob,
    carolChat,
    carolToken: carol.accessToken,
    away,
    conversationId,
    directId,
    uploadId,
    /** Hers in the group. */
    messages: [first, second],
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/**
 * With the form of an upload its file could be sent again for some minutes, and an erasure waits for so long: after this they are
 * all too old.
 */
async function closeForms(): Promise<void> {
  await database.query(`
    update media.uploads
    set created_at = created_at - interval '1 hour', settled_at = settled_at - interval '1 hour'`)
}

async function uploadAs({ accessToken }: Participant, conversationId: string, word: string): Promise<string> {
  const file = new Blob([`${word} in a file`], { type: 'text/plain' })
  const options = { url: system.gatewayUrls[0], accessToken }
  return (await uploadFile(options, { conversationId, file, name: `${word}.txt` })).id
}

async function setAvatar(person: Participant): Promise<void> {
  const rest = openRest({ url: system.gatewayUrls[0], accessToken: person.accessToken })
  const { upload, form } = await rest.perform('ReserveAvatar', { type: 'image/gif', size: GIF.length })
  const body = new FormData()
  for (const [name, value] of Object.entries(form!.fields)) body.set(name, value)
  body.set('file', new Blob([GIF]))
  await fetch(form!.url, { method: 'POST', body })
  await rest.perform('CompleteUpload', { id: upload.id })
  await rest.perform('UpdateProfile', { avatarId: upload.id })
}

const textsOf = (chat: Chat, conversationId: string, messageIds: readonly string[]) =>
  messageIds.map((id) => chat.state.conversations.get(conversationId)?.messages.find((one) => one.id === id)?.text)

const codeOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'done',
    (error: unknown) => (error as RefusedError).code,
  )

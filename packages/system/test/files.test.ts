import { openChat, RefusedError, uploadFile } from '@parley/client'
import type { Conversation, HubEvent, Message, SentMessage, Upload, User } from '@parley/protocol'
import { randomUUID } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { join, type Participant } from '../src/participant.ts'
import { startSystem, type System } from '../src/start-system.ts'

const PARTS_ABOVE_BYTES = 1_000_000
const PATIENCE = { timeout: 60_000, interval: 200 }

let system: System
beforeAll(async () => {
  system = await startSystem({ environment: { MEDIA_PARTS_ABOVE_BYTES: String(PARTS_ABOVE_BYTES) } })
}, 180_000)
afterAll(() => system?.[Symbol.asyncDispose]())

describe('a file of a message', () => {
  test('is seen by who sees the message: with its size, its thumbnail and its beginning, in ranges', async () => {
    await using chat = await openGroup()
    const { alice, bob, conversationId } = chat
    const told = alice.toldOfUploads
    const upload = await uploadAs(alice, { conversationId, name: 'ëine Katze.gif', type: 'image/gif', content: GIF })
    expect(upload).toMatchObject({ state: 'ready', width: 1, height: 1, durationMs: null, pages: null })
    await expect.poll(() => told).toEqual([['MediaReady', upload]])
    expect(bob.toldOfUploads).toEqual([])
    const { state: _s, conversationId: _c, createdAt: _t, rejectedReason: _r, ...attachment } = upload
    const { messages } = await sendWith(chat, [upload.id])
    expect(messages.at(-1)!.attachments).toEqual([attachment])

    const link = await answerOf<{ url: string }>(await rest(bob, `/media/${upload.id}`))
    const shown = await fetch(link.url)
    expect(shown.headers.get('content-type')).toBe('image/gif')
    expect(shown.headers.get('content-disposition')).toBe("inline; filename*=UTF-8''%C3%ABine%20Katze.gif")
    expect((await fetch(link.url, { headers: { range: 'bytes=0-2' } })).status).toBe(206)
    const redirected = await rest(bob, `/media/${upload.id}`, { accept: 'image/*', redirect: 'manual' })
    expect([redirected.status, redirected.headers.get('cache-control')]).toEqual([302, 'no-store'])
    const thumbnail = await rest(bob, `/media/${upload.id}/thumbnail?size=large`, { accept: 'image/*' })
    expect([thumbnail.status, thumbnail.headers.get('content-type')]).toEqual([200, 'image/webp'])
  })

  test('is out of reach for who was removed, at once, and for who came later and does not see the message', async () => {
    await using chat = await openGroup()
    const { alice, bob, conversationId } = chat
    const { id } = await uploadAs(alice, { conversationId, ...TEXT })
    await sendWith(chat, [id])
    await using carol = await enter('carol', 0)
    await alice.invoke('AddMembers', { conversationId, userIds: [carol.user.id] })
    expect(await codeOf(await rest(carol, `/media/${id}`))).toBe('upload_not_found')
    expect((await rest(bob, `/media/${id}`)).status).toBe(200)
    await alice.invoke('RemoveMember', { conversationId, userId: bob.user.id })
    expect(await codeOf(await rest(bob, `/media/${id}`))).toBe('upload_not_found')
    expect(await codeOf(await rest(bob, `/media/${id}/thumbnail`))).toBe('upload_not_found')
  })

  test('goes with its message: refused at once, and within a minute gone from the bucket', async () => {
    await using chat = await openGroup()
    const { alice, conversationId } = chat
    const [gone, stays] = [
      await uploadAs(alice, { conversationId, ...TEXT }),
      await uploadAs(alice, { conversationId, ...TEXT }),
    ]
    const { sent } = await sendWith(chat, [gone.id])
    await sendWith(chat, [stays.id])
    const { url } = await answerOf<{ url: string }>(await rest(alice, `/media/${gone.id}`))
    expect((await fetch(url)).status).toBe(200)
    await alice.invoke('DeleteMessage', { conversationId, messageId: sent.id })
    expect(await codeOf(await rest(alice, `/media/${gone.id}`))).toBe('upload_not_found')
    // A link that was given before is good for a minute, as long as there is something behind it.
    await expect.poll(async () => (await fetch(url)).status, { ...PATIENCE, timeout: 45_000 }).toBe(404)
    expect(await answerOf<Upload>(await rest(alice, `/media/uploads/${gone.id}`))).toMatchObject({ state: 'deleted' })
    expect((await rest(alice, `/media/${stays.id}`)).status).toBe(200)
  }, 90_000)

  test('survives its services: media killed while files are checked loses none, and checks each', async () => {
    await using chat = await openGroup()
    const { alice, conversationId } = chat
    const uploading = Array.from({ length: 12 }, () => uploadAs(alice, { conversationId, ...TEXT }))
    await system.kill('media')
    const uploads = await Promise.all(uploading)
    for (const { state } of uploads) expect(state).toBe('ready')
    const { messages } = await sendWith(
      chat,
      uploads.slice(0, 10).map(({ id }) => id),
    )
    expect(messages.at(-1)!.attachments).toHaveLength(10)
  }, 120_000)
})

describe('what is not what it says', () => {
  test('is told to its uploader as rejected, and cannot be sent', async () => {
    await using chat = await openGroup()
    const { alice, conversationId } = chat
    const file = { conversationId, name: 'cat.gif', type: 'image/gif', content: '<svg onload="alert(1)"/>' }
    const refused = await uploadAs(alice, file).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(RefusedError)
    expect(refused).toMatchObject({ code: 'upload_rejected', data: { reason: 'not_the_declared_type' } })
    await expect
      .poll(() => alice.toldOfUploads)
      .toMatchObject([['MediaRejected', { reason: 'not_the_declared_type', upload: { state: 'rejected' } }]])
  })

  test('a name with everything in it is refused, or only ever a name', async () => {
    await using chat = await openGroup()
    const { alice, conversationId } = chat
    const code = async (name: string) =>
      uploadAs(alice, { conversationId, ...TEXT, name }).then(
        () => 'done',
        (error: RefusedError) => error.code,
      )
    for (const name of ['a\u0000b', 'a\r\nSet-Cookie: x=y', 'invoice\u202efdp.exe', ' ', 'x'.repeat(300)]) {
      expect(await code(name), JSON.stringify(name)).toBe('invalid_input')
    }
    const name = `../../${'"'}; filename="x.html'<script>%0a👋.txt`
    const { id } = await uploadAs(alice, { conversationId, ...TEXT, name })
    const { url } = await answerOf<{ url: string }>(await rest(alice, `/media/${id}`))
    const disposition = (await fetch(url)).headers.get('content-disposition')
    expect(disposition).toMatch(/^attachment; filename\*=UTF-8''[\w.%~-]+$/)
  })
})

describe('the client', () => {
  test('sends a large file in parts, and all of it arrives', async () => {
    await using chat = await openGroup()
    const { alice, conversationId } = chat
    const content = `${'0123456789'.repeat(2_000_000)}the end`
    const upload = await uploadAs(alice, { conversationId, ...TEXT, content })
    expect(upload).toMatchObject({ state: 'ready', size: content.length })
    const { url } = await answerOf<{ url: string }>(await rest(alice, `/media/${upload.id}`))
    expect((await (await fetch(url)).text()) === content).toBe(true)
  }, 60_000)

  test('says at once what is too large', async () => {
    await using chat = await openGroup()
    const { alice, conversationId } = chat
    const large = { size: 200_000_000, type: 'text/plain', slice: () => new Blob() } as unknown as Blob
    await using opened = await openChat({ url: system.gatewayUrls[0], accessToken: alice.accessToken })
    const refused = await opened.upload({ conversationId, file: large, name: 'x' }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'file_too_large', data: { maxBytes: 104_857_600 } })
  })
})

describe('an avatar', () => {
  test('of a user and of a conversation is seen without a token, and goes when another takes its place', async () => {
    await using chat = await openGroup()
    const { alice, bob, conversationId } = chat
    const [first, second] = [await uploadAvatarAs(alice), await uploadAvatarAs(alice)]
    const user = await alice.invoke<User>('UpdateProfile', { avatarId: first.id })
    expect(await seen(user.avatarUrl)).toEqual([200, 'image/webp'])
    const group = await alice.invoke<Conversation>('UpdateConversation', { conversationId, avatarId: second.id })
    expect(await seen(group.avatarUrl)).toEqual([200, 'image/webp'])
    const seenByBob = await bob.invoke<Conversation>('GetConversation', { conversationId })
    expect(seenByBob.avatarUrl).toBe(group.avatarUrl)
    await expect(alice.invoke('UpdateProfile', { avatarId: second.id })).rejects.toThrow('upload_not_found: ')
    await expect(bob.invoke('UpdateProfile', { avatarId: first.id })).rejects.toThrow('upload_not_found: ')
    const avatar = new URL(user.avatarUrl!, system.gatewayUrls[1])
    const redirect = await fetch(avatar, { redirect: 'manual' })
    expect(redirect.headers.get('cache-control')).toBe('public, max-age=1800')
    expect(redirect.headers.get('cross-origin-resource-policy')).toBe('cross-origin')
    // Nothing else is shown in this way.
    const { id } = await uploadAs(alice, { conversationId, name: 'x.gif', type: 'image/gif', content: GIF })
    for (const other of [id, randomUUID()]) {
      expect((await fetch(`${system.gatewayUrls[0]}/api/v1/media/avatars/${other}`)).status).toBe(404)
    }
    expect(await alice.invoke<User>('UpdateProfile', { avatarUrl: null })).toMatchObject({ avatarUrl: null })
  }, 60_000)

  const seen = async (avatarUrl: string | null) => {
    const answer = await fetch(new URL(avatarUrl!, system.gatewayUrls[0]))
    return [answer.status, answer.headers.get('content-type')]
  }
})

test('an upload that is not used can be taken back', async () => {
  await using chat = await openGroup()
  const { alice, conversationId } = chat
  const upload = await uploadAs(alice, { conversationId, ...TEXT })
  const taken = await rest(alice, `/media/uploads/${upload.id}`, { method: 'DELETE' })
  expect(await answerOf<Upload>(taken)).toMatchObject({ state: 'deleted' })
  const used = await uploadAs(alice, { conversationId, ...TEXT })
  await sendWith(chat, [used.id])
  expect(await codeOf(await rest(alice, `/media/uploads/${used.id}`, { method: 'DELETE' }))).toBe('upload_in_use')
})

const TEXT = { name: 'notes.txt', type: 'text/plain', content: 'what the file says\n' }
/** One pixel. */
const GIF = Buffer.from('R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs=', 'base64')

type Person = Participant & { readonly toldOfUploads: [string, unknown][] }

async function enter(name: string, gateway: 0 | 1): Promise<Person> {
  const toldOfUploads: [string, unknown][] = []
  const participant = await join(system.gatewayUrls[gateway], `${name} ${randomUUID().slice(0, 8)}`, {
    prepare(connection) {
      connection.on('MediaReady', (upload: HubEvent<'MediaReady'>) => toldOfUploads.push(['MediaReady', upload]))
      connection.on('MediaRejected', (told: HubEvent<'MediaRejected'>) => toldOfUploads.push(['MediaRejected', told]))
    },
  })
  return Object.assign(participant, { toldOfUploads })
}

/** Alice and Bob on different gateways, with a conversation of their own. */
async function openGroup() {
  await using stack = new AsyncDisposableStack()
  const [alice, bob] = [stack.use(await enter('alice', 0)), stack.use(await enter('bob', 1))]
  const { id: conversationId } = await alice.invoke<Conversation>('CreateConversation', {
    kind: 'group',
    memberIds: [bob.user.id],
  })
  const opened = stack.move()
  return { alice, bob, conversationId, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

interface FileOfTest {
  readonly conversationId: string
  readonly name: string
  readonly type: string
  readonly content: string | Uint8Array<ArrayBuffer>
}

const uploadAs = ({ accessToken }: Participant, { content, type, ...file }: FileOfTest): Promise<Upload> =>
  uploadFile({ url: system.gatewayUrls[0], accessToken }, { ...file, file: new Blob([content], { type }) })

async function uploadAvatarAs(person: Participant): Promise<Upload> {
  const wanted = { type: 'image/gif', size: GIF.length }
  const { upload, form } = await answerOf<Reserved>(await rest(person, '/media/avatars', post(wanted)))
  const body = new FormData()
  for (const [name, value] of Object.entries(form.fields)) body.set(name, value)
  body.set('file', new Blob([GIF]))
  expect((await fetch(form.url, { method: 'POST', body })).status).toBe(201)
  return answerOf<Upload>(await rest(person, `/media/uploads/${upload.id}/complete`, post({})))
}

interface Reserved {
  readonly upload: Upload
  readonly form: { readonly url: string; readonly fields: Record<string, string> }
}

/** Alice sends, and Bob has got it. */
async function sendWith({ alice, bob, conversationId }: Awaited<ReturnType<typeof openGroup>>, attachments: string[]) {
  const sent = await alice.invoke<SentMessage>('SendMessage', { conversationId, id: uuidv7(), text: '', attachments })
  await expect.poll(() => bob.heard.map(({ id }) => id), PATIENCE).toContain(sent.id)
  const { messages } = await bob.invoke<{ messages: Message[] }>('GetMessages', { conversationId })
  return { sent, messages }
}

const post = (body: object): RequestInit => ({ method: 'POST', body: JSON.stringify(body) })

function rest(
  { accessToken }: Participant,
  path: string,
  { accept = 'application/json', ...init }: RequestInit & { accept?: string } = {},
): Promise<Response> {
  const headers = { 'content-type': 'application/json', accept, authorization: `Bearer ${accessToken}` }
  return fetch(`${system.gatewayUrls[0]}/api/v1${path}`, { ...init, headers })
}

async function answerOf<Answer>(response: Response): Promise<Answer> {
  const answer: unknown = await response.json()
  if (!response.ok) throw new Error(JSON.stringify(answer))
  return answer as Answer
}

const codeOf = async (response: Response): Promise<string> => ((await response.json()) as { code: string }).code

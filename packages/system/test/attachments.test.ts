import type {
  Conversation,
  InputOf,
  Message,
  OutputOf,
  ReserveUpload,
  SendMessage,
  SentMessage,
} from '@parley/protocol'
import { randomUUID } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { join, type Participant } from '../src/participant.ts'
import { startSystem, type System } from '../src/start-system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
}, 180_000)
afterAll(() => system?.[Symbol.asyncDispose]())

const content = 'what the file says\n'

test('a message arrives with its file, and whoever gets it reads the file', async () => {
  await using chat = await openChat()
  const { alice, bob, conversationId } = chat
  const id = await upload(alice, conversationId)
  const file = { id, name: 'notes.txt', type: 'text/plain', size: content.length }
  const attachment = { ...file, width: null, height: null, blurhash: null, durationMs: null, pages: null }

  // The file may say it all.
  const sent = await send(alice, { conversationId, id: uuidv7(), text: '', attachments: [id] })
  expect(sent).toMatchObject({ text: '', attachments: [attachment], duplicate: false })
  const { duplicate: _, ...message } = sent
  for (const person of [alice, bob]) await expect.poll(() => person.heard).toEqual([message])
  const history = await bob.invoke<{ messages: Message[] }>('GetMessages', { conversationId })
  expect(history.messages).toEqual([message])

  const link = (await (await rest(bob, `/media/${bob.heard[0]!.attachments[0]!.id}`)).json()) as { url: string }
  expect(await (await fetch(link.url)).text()).toBe(content)
})

test('a send with a file is stored once, however often and wherever it is repeated', async () => {
  await using chat = await openChat()
  const { alice, bob, conversationId } = chat
  await using elsewhere = await join(system.gatewayUrls[1], 'alice')
  const attachments = [await upload(alice, conversationId), await upload(alice, conversationId)]
  const input = { conversationId, id: uuidv7(), text: 'two files', attachments }
  const answers = await Promise.all([alice, elsewhere, alice, elsewhere].map((person) => send(person, input)))
  expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
  const again = await send(elsewhere, input)
  expect(again.attachments.map(({ id }) => id)).toEqual(attachments)
  for (const answer of answers) expect({ ...answer, duplicate: true }).toEqual(again)
  await expect(send(alice, { ...input, attachments: attachments.toReversed() })).rejects.toThrow(
    'message_id_conflict: ',
  )
  // The failed attempt took nothing from the message that is stored.
  await expect(send(alice, { ...input, id: uuidv7() })).rejects.toThrow('upload_not_found: ')
  await expect.poll(() => bob.heard.map(({ id }) => id)).toEqual([input.id])
})

test('a file is part of one message, whoever else asks for it at the same time', async () => {
  await using chat = await openChat()
  const { alice, bob, conversationId } = chat
  await using elsewhere = await join(system.gatewayUrls[1], 'alice')
  const files = [await upload(alice, conversationId), await upload(alice, conversationId)]
  const attempts = await Promise.allSettled(
    [alice, elsewhere, alice, elsewhere].map((person, index) => {
      const attachments = index < 2 ? files : files.toReversed()
      return send(person, { conversationId, id: uuidv7(), text: `${index}`, attachments })
    }),
  )
  const stored = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value.id] : []))
  expect(stored).toHaveLength(1)
  for (const attempt of attempts) {
    if (attempt.status === 'rejected') expect(String(attempt.reason)).toContain('upload_not_found: ')
  }
  await expect.poll(() => bob.heard.map(({ id }) => id)).toEqual(stored)
})

test('only own files of the same conversation that are ready can be sent', async () => {
  await using chat = await openChat()
  const { alice, bob, conversationId } = chat
  const { id: elsewhere } = await alice.invoke<Conversation>('CreateConversation', { kind: 'group', memberIds: [] })
  const ready = await upload(alice, conversationId)
  const attempt = (person: Participant, attachments: string[], to = conversationId) =>
    send(person, { conversationId: to, id: uuidv7(), text: 'here', attachments })
  await expect(attempt(bob, [ready])).rejects.toThrow('upload_not_found: ')
  await expect(attempt(alice, [ready], elsewhere)).rejects.toThrow('upload_not_found: ')
  await expect(attempt(alice, [ready, randomUUID()])).rejects.toThrow('upload_not_found: ')
  const { upload: reserved } = await reserve(alice, conversationId)
  await expect(attempt(alice, [ready, reserved.id])).rejects.toThrow('upload_not_received: ')
  expect(bob.heard).toEqual([])
  await attempt(alice, [ready])
  await expect.poll(() => bob.heard).toHaveLength(1)
})

test('a file of a message that was refused can go with another', async () => {
  await using chat = await openChat()
  const { alice, bob, conversationId } = chat
  const input = { conversationId, text: 'look', attachments: [await upload(alice, conversationId)] }
  const refused = uuidv7()
  await expect(send(alice, { ...input, id: refused, mentions: [randomUUID()] })).rejects.toThrow(
    'mention_not_a_member: ',
  )
  const sent = await send(alice, { ...input, id: uuidv7() })
  await expect(send(alice, { ...input, id: refused })).rejects.toThrow('upload_not_found: ')
  await expect.poll(() => bob.heard.map(({ id }) => id)).toEqual([sent.id])
})

/** Alice and Bob on different gateways, with a conversation of their own. */
async function openChat() {
  await using stack = new AsyncDisposableStack()
  const alice = stack.use(await join(system.gatewayUrls[0], 'alice'))
  const bob = stack.use(await join(system.gatewayUrls[1], 'bob'))
  const { id: conversationId } = await alice.invoke<Conversation>('CreateConversation', {
    kind: 'group',
    memberIds: [bob.user.id],
  })
  const opened = stack.move()
  return { alice, bob, conversationId, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

const send = (person: Participant, input: InputOf<typeof SendMessage>) =>
  person.persist<SentMessage>('SendMessage', input)

async function reserve(person: Participant, conversationId: string): Promise<OutputOf<typeof ReserveUpload>> {
  const file = { conversationId, name: 'notes.txt', type: 'text/plain', size: content.length }
  const answer = await rest(person, '/media/uploads', file)
  return (await answer.json()) as OutputOf<typeof ReserveUpload>
}

/** Returns the id of a file that is ready to be sent. */
async function upload(person: Participant, conversationId: string): Promise<string> {
  const { upload: reserved, form } = await reserve(person, conversationId)
  if (form === null) throw new Error('it goes in parts')
  const body = new FormData()
  for (const [name, value] of Object.entries(form.fields)) body.set(name, value)
  body.set('file', new Blob([content]))
  expect((await fetch(form.url, { method: 'POST', body })).status).toBe(201)
  expect(await (await rest(person, `/media/uploads/${reserved.id}/complete`, {})).json()).toMatchObject({
    state: 'ready',
  })
  return reserved.id
}

function rest({ accessToken }: Participant, path: string, body?: object): Promise<Response> {
  return fetch(`${system.gatewayUrls[0]}/api/v1${path}`, {
    headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json', accept: 'application/json' },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  })
}

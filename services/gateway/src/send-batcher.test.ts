import { randomUUID } from 'node:crypto'
import { messaging, type RequestOf } from '@parley/contracts'
import { limits, type Attachment } from '@parley/protocol'
import { expect, test } from 'vitest'
import { createSendBatcher } from './send-batcher.ts'

type Request = RequestOf<(typeof messaging)['calls']['sendMessages']>
type Send = Request['sends'][number]

/** What NATS carries. */
const MAX_PAYLOAD_BYTES = 1024 * 1024

const newMessageId = () => `01890000-0000-7000-8000-${randomUUID().slice(-12)}`

const sendOf = (text: string, attachments: string[]): Send => ({
  actor: { userId: randomUUID(), scopes: [] },
  conversationId: randomUUID(),
  id: newMessageId(),
  text,
  attachments,
  mentions: Array.from({ length: limits.mentionsPerMessage }, () => randomUUID()),
})

/** With names that take as many bytes as names can. */
const attachmentOf = (id: string): Attachment => ({
  id,
  name: '👋'.repeat(limits.fileNameCharacters),
  type: `application/${'x'.repeat(80)}`,
  size: Number.MAX_SAFE_INTEGER,
  width: Number.MAX_SAFE_INTEGER,
  height: Number.MAX_SAFE_INTEGER,
  blurhash: 'x'.repeat(100),
  durationMs: Number.MAX_SAFE_INTEGER,
  pages: Number.MAX_SAFE_INTEGER,
})

const answerTo = ({ actor, attachments = [], ...send }: Send) => ({
  message: {
    ...send,
    senderId: actor.userId,
    sequence: 1,
    version: 1,
    replyTo: null,
    mentions: send.mentions ?? [],
    reactions: [],
    attachments: attachments.map(attachmentOf),
    createdAt: new Date().toISOString(),
    editedAt: null,
    deletedAt: null,
    duplicate: false,
  },
})

test('sends of one turn travel in several calls when they or their answers are large, each as the contract and NATS allow', async () => {
  let calls = 0
  const batcher = createSendBatcher({
    async sendMessages(request) {
      calls += 1
      expect(messaging.calls.sendMessages.request.safeParse(request).error).toBe(undefined)
      const results = request.sends.map(answerTo)
      expect(Buffer.byteLength(JSON.stringify(request))).toBeLessThan(MAX_PAYLOAD_BYTES)
      expect(Buffer.byteLength(JSON.stringify(results))).toBeLessThan(MAX_PAYLOAD_BYTES)
      return { ok: true, value: { results } }
    },
  })
  const within = { requestId: randomUUID(), remainingMs: () => 1_000 }
  const uploads = () => Array.from({ length: limits.attachmentsPerMessage }, () => randomUUID())
  const sends = [
    ...Array.from({ length: 300 }, () => sendOf('short', [])),
    ...Array.from({ length: 300 }, () => sendOf('', uploads())),
    ...Array.from({ length: 30 }, () => sendOf('\u0001'.repeat(limits.messageCharacters), [])),
  ]
  const answers = await Promise.all(sends.map((one) => batcher.send(one, within)))
  expect(answers.map((answer) => answer.ok && answer.value.id)).toEqual(sends.map(({ id }) => id))
  expect(calls).toBeGreaterThan(2)
})

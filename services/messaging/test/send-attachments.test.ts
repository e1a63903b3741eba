import { must, serve, type Handlers } from '@parley/bus'
import { media, refuse, type RequestOf } from '@parley/contracts'
import { v4, v7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { holdConversation } from './hold.ts'
import { actorOf, codeOf, messageOf, newUser, openWorld, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld()))
afterAll(() => world[Symbol.asyncDispose]())

type Attach = Handlers<typeof media>['attachUploads']

const attachmentOf = (id: string) => ({
  id,
  name: 'cat.png',
  type: 'image/png',
  size: 100,
  width: 30,
  height: 20,
  blurhash: 'L00000fQfQfQfQfQfQfQfQfQfQfQ',
  durationMs: null,
  pages: null,
})
const attachAll: Attach = async ({ uploadIds }) => ({ attachments: [...new Set(uploadIds)].map(attachmentOf) })

/** A `media` that remembers which attempts hold uploads. */
async function openMedia(attachUploads: Attach = attachAll) {
  const asked: RequestOf<typeof media.calls.attachUploads>[] = []
  const holding = new Set<string>()
  const serving = await serve(world.bus, media, {
    async attachUploads(request, context) {
      asked.push(request)
      const answer = await attachUploads(request, context)
      holding.add(request.attemptId)
      return answer
    },
    async releaseUploads({ attemptId }) {
      holding.delete(attemptId)
      return {}
    },
  })
  return { asked, holding, [Symbol.asyncDispose]: () => serving[Symbol.asyncDispose]() }
}

async function groupOfAlice() {
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  return { alice, conversationId }
}

test('the uploads that a message names are its attachments, as `media` knows them', async () => {
  await using opened = await openMedia()
  const { alice, conversationId } = await groupOfAlice()
  const attachments = [v4(), v4()]
  const { duplicate, ...message } = messageOf(await world.send(alice, conversationId, { text: '', attachments }))
  expect(duplicate).toBe(false)
  expect(message.attachments).toEqual(attachments.map(attachmentOf))
  expect(opened.asked).toMatchObject([
    { userId: alice, conversationId, messageId: message.id, uploadIds: attachments, attemptId: expect.any(String) },
  ])
  const { messages } = must(await world.calls.getMessages({ actor: actorOf(alice), conversationId }))
  expect(messages).toEqual([message])
  expect(opened.holding.size).toBe(1)
})

test('a retry finds the first result, whatever has become of its files', async () => {
  const { alice, conversationId } = await groupOfAlice()
  const [upload, other] = [v4(), v4()]
  const input = { id: v7(), attachments: [upload, other, upload] }
  const first = await (async () => {
    await using _ = await openMedia()
    return messageOf(await world.send(alice, conversationId, input))
  })()
  await using _ = await openMedia(async () => {
    throw refuse.upload_not_found()
  })
  expect(messageOf(await world.send(alice, conversationId, input))).toEqual({ ...first, duplicate: true })
  expect(codeOf(await world.send(alice, conversationId, { ...input, attachments: [upload] }))).toBe(
    'message_id_conflict',
  )
  expect(codeOf(await world.send(alice, conversationId, { ...input, id: v7() }))).toBe('upload_not_found')
})

test('uploads are given up by the attempt that is refused, and by no other', async () => {
  await using opened = await openMedia()
  const { alice, conversationId } = await groupOfAlice()
  const input = { id: v7(), attachments: [v4()] }
  expect(codeOf(await world.send(alice, conversationId, { ...input, mentions: [newUser()] }))).toBe(
    'mention_not_a_member',
  )
  expect(opened.holding.size).toBe(0)
  messageOf(await world.send(alice, conversationId, input))
  expect(codeOf(await world.send(alice, conversationId, { ...input, text: 'other' }))).toBe('message_id_conflict')
  expect([...opened.holding]).toEqual([opened.asked[1]?.attemptId])
})

test('uploads stay with a message of which it is not known what became', async () => {
  await using opened = await openMedia()
  const { alice, conversationId } = await groupOfAlice()
  await using _ = await holdConversation(world, conversationId)
  expect(codeOf(await world.send(alice, conversationId, { attachments: [v4()] }))).toBe('unavailable')
  expect(opened.holding.size).toBe(1)
})

test('without `media` sends with uploads are unavailable, and others go on', async () => {
  const { alice, conversationId } = await groupOfAlice()
  expect(codeOf(await world.send(alice, conversationId, { attachments: [v4()] }))).toBe('unavailable')
  expect(codeOf(await world.send(alice, conversationId))).toBe('sent')
})

test('neighbours do not wait for a `media` that hangs', async () => {
  const hanging = Promise.withResolvers<void>()
  await using _ = await openMedia(async (request, context) => {
    await hanging.promise
    return attachAll(request, context)
  })
  const [{ alice, conversationId }, bobs] = await Promise.all([groupOfAlice(), groupOfAlice()])
  const sends = [
    { actor: actorOf(alice), conversationId, id: v7(), text: '', attachments: [v4()] },
    { actor: actorOf(bobs.alice), conversationId: bobs.conversationId, id: v7(), text: 'quick' },
  ]
  const startedAt = performance.now()
  const { results } = must(await world.calls.sendMessages({ sends }))
  expect(results.map(codeOf)).toEqual(['unavailable', 'sent'])
  expect(performance.now() - startedAt).toBeLessThan(media.calls.attachUploads.timeoutMs)
  hanging.resolve()
  // The send goes on by itself, or a retry does it.
  await expect.poll(async () => codeOf(await world.send(alice, conversationId, sends[0]))).toBe('sent')
})

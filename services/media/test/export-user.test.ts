import { must } from '@parley/bus'
import type { media, ReplyOf } from '@parley/contracts'
import { v4 as uuidv4 } from 'uuid'
import { expect, test } from 'vitest'
import { insertSent } from './sent-files.ts'
import {
  actorOf,
  image,
  memberOf,
  pdf,
  png,
  reserve,
  send,
  startForTest,
  upload,
  uploadAvatar,
  type MediaForTest,
} from './start-for-test.ts'

test('an export has every upload of the user that is not deleted, with what it is part of, and the files of those that are ready', async () => {
  await using service = await startForTest()
  const [alice, bob] = [memberOf(service), memberOf(service)]
  const content = pdf(500)
  const sent = await send(service, alice, { type: 'application/pdf', content, name: 'plan.pdf' })
  const [messageId] = [...service.messages].find(([, ids]) => ids.includes(sent.id))!
  const picture = await upload(service, alice, { type: 'image/png', content: await image(40, 30) })
  const pending = (await reserve(service, alice, { type: 'application/pdf', content })).upload
  const face = await uploadAvatar(service, alice, png())
  await service.calls.useAvatar({ userId: alice, uploadId: face.id, owner: { userId: alice } })
  const gone = await upload(service, alice, { type: 'application/pdf', content })
  await service.calls.deleteUpload({ ...actorOf(alice), id: gone.id })
  await upload(service, bob, { type: 'application/pdf', content })

  const { records, files } = await exported(service, alice)
  expect(records.every(({ kind }) => kind === 'uploads')).toBe(true)
  const data = new Map(records.map((record) => [record.data['id'], record.data]))
  expect(new Set(data.keys())).toEqual(new Set([sent.id, picture.id, pending.id, face.id]))
  expect(data.get(sent.id)).toMatchObject({
    name: 'plan.pdf',
    type: 'application/pdf',
    size: content.length,
    state: 'ready',
    conversationId: sent.conversationId,
    messageId,
    createdAt: sent.createdAt,
    usedAt: expect.stringMatching(/Z$/),
    pages: 1,
  })
  expect(data.get(picture.id)).toMatchObject({ width: 40, height: 30, blurhash: expect.any(String), messageId: null })
  expect(data.get(pending.id)).toMatchObject({ state: 'pending', settledAt: null })
  expect(data.get(face.id)).toMatchObject({ avatarOf: `user:${alice}` })

  expect(new Set(files.map(({ id }) => id))).toEqual(new Set([sent.id, picture.id, face.id]))
  for (const { id, bytes, url } of files) {
    const answer = await fetch(url)
    expect(answer.status).toBe(200)
    const body = new Uint8Array(await answer.arrayBuffer())
    expect(body).toHaveLength(bytes)
    if (id === sent.id) expect(body).toEqual(content)
    expect(new URL(url).searchParams.get('X-Amz-Expires')).toBe('900')
  }
})

test('hundreds of uploads are exported page by page, each once', async () => {
  await using service = await startForTest()
  const alice = uuidv4()
  const sent = await insertSent(service, 250, alice)
  const { records, files, pages } = await exported(service, alice)
  expect(pages).toBe(3)
  const ids = sent.map(({ id }) => id).toSorted()
  expect(records.map(({ data }) => data['id'])).toEqual(ids)
  expect(files.map(({ id }) => id)).toEqual(ids)
})

test('who has uploaded nothing has an empty export', async () => {
  await using service = await startForTest()
  expect(await exported(service, uuidv4())).toEqual({ records: [], files: [], pages: 1 })
})

async function exported({ calls }: MediaForTest, userId: string) {
  const all = { records: [], files: [], pages: 0 } as Pick<Page, 'records' | 'files'> & { pages: number }
  let cursor: string | null = null
  do {
    const page: Page = must(await calls.exportUser({ userId, cursor }))
    all.records.push(...page.records)
    all.files.push(...page.files)
    all.pages += 1
    cursor = page.cursor
  } while (cursor !== null)
  return all
}

type Page = ReplyOf<typeof media.calls.exportUser>

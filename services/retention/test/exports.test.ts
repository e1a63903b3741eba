import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { buffer } from 'node:stream/consumers'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { must } from '@parley/bus'
import { openS3 } from '@parley/s3'
import { v4 } from 'uuid'
import { expect, onTestFinished, test } from 'vitest'
import { fromBufferPromise } from 'yauzl'
import { listGathered } from '../src/store/export-objects.ts'
import { admin, createWorld, soon, type World } from './world.ts'

const asking = (userId: string) => ({ actor: admin, userId })
const exportOf = async (world: World, userId: string) => must(await world.calls.getExport(asking(userId)))
const stateOf = async (world: World, userId: string) => (await exportOf(world, userId)).state
const slowly = { timeout: 25_000 }

/** What is in a ZIP, by path, read by a library that has not written it. */
async function contentsOf(url: string): Promise<Map<string, Buffer>> {
  const answer = await fetch(url)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-disposition')).toMatch(/^attachment/)
  const zip = await fromBufferPromise(Buffer.from(await answer.arrayBuffer()))
  const contents = new Map<string, Buffer>()
  for await (const entry of zip.eachEntry()) {
    contents.set(entry.fileName, await buffer(await zip.openReadStreamPromise(entry)))
  }
  return contents
}

/** Files for links, where every second answer breaks off in the middle. */
async function unreliableFiles(files: ReadonlyMap<string, Buffer>): Promise<string> {
  let answers = 0
  const server = createServer((request, response) => {
    const file = files.get(request.url!.slice(1))
    if (file === undefined) return void response.writeHead(404).end()
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const rest = file.subarray(from)
    response.writeHead(from === 0 ? 200 : 206, { 'content-length': rest.byteLength })
    answers += 1
    if (answers % 2 === 0 || rest.byteLength < 2) return void response.end(rest)
    response.write(rest.subarray(0, Math.ceil(rest.byteLength / 2)), () => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('an export holds every record of every owner and the files, whatever breaks on the way', async () => {
  await using world = await createWorld()
  const messages = Array.from({ length: 2_500 }, (_, index) => ({ id: v4(), text: `message ${index} "ü" 🙂` }))
  let failures = 0
  world.answers['messaging.exportUser'] = async ({ cursor }) => {
    if (failures++ % 3 === 1) throw new Error('out of order')
    const from = Number(cursor ?? 0)
    const records = messages.slice(from, from + 500).map((data) => ({ kind: 'messages', data }))
    const settings = { kind: 'settings', data: { privateRead: true } }
    return {
      records: from === 0 ? [settings, ...records] : records,
      files: [],
      cursor: from + 500 < messages.length ? String(from + 500) : null,
    }
  }
  world.answers['auth.exportUser'] = async () => ({
    records: [{ kind: 'profile', data: { displayName: 'Ann' } }],
    files: [],
    cursor: null,
  })
  const files = new Map([
    ['one', Buffer.alloc(3_000_000, 'a')],
    ['two', Buffer.from('second')],
    ['empty', Buffer.alloc(0)],
  ])
  const origin = await unreliableFiles(files)
  const names = { one: '../../etc/passwd', two: `${'long '.repeat(60)}.png`, empty: 'CON:*?.txt', gone: 'gone.png' }
  world.answers['media.exportUser'] = async () => ({
    records: Object.keys(names).map((id) => ({ kind: 'uploads', data: { id } })),
    files: Object.entries(names).map(([id, name]) => ({ id, name, bytes: 1, url: `${origin}/${id}` })),
    cursor: null,
  })
  await world.start()
  const userId = v4()
  must(await world.calls.exportUser(asking(userId)))
  await expect.poll(() => stateOf(world, userId), slowly).toBe('ready')

  const { url, size, id } = await exportOf(world, userId)
  const contents = await contentsOf(url!)
  expect(JSON.parse(String(contents.get('messaging/messages.json')))).toEqual(messages)
  expect(JSON.parse(String(contents.get('messaging/settings.json')))).toEqual([{ privateRead: true }])
  expect(JSON.parse(String(contents.get('auth/profile.json')))).toEqual([{ displayName: 'Ann' }])
  const inFiles = [...contents].filter(([path]) => path.startsWith('files/'))
  expect(inFiles.map(([path]) => path.replace(/-.*/s, '')).toSorted()).toEqual([
    'files/empty',
    'files/one',
    'files/two',
  ])
  for (const [path, content] of inFiles) {
    expect(path).toMatch(/^files\/[^\\/:*?"<>|]{1,110}$/u)
    expect(content.equals(files.get(/files\/(\w+)-/.exec(path)![1]!)!)).toBe(true)
  }
  expect(JSON.parse(String(contents.get('report.json')))).toMatchObject({
    userId,
    files: 3,
    missingFiles: ['gone'],
    services: { messaging: { messages: 2_500, settings: 1 } },
  })
  expect(size).toBeGreaterThan(3_000_000)
  using s3 = openS3(world.config.s3)
  await expect.poll(() => listGathered(s3, id), soon).toEqual(new Map())
  await expect
    .poll(async () => (await world.decisions()).map(({ action }) => action), soon)
    .toEqual(expect.arrayContaining(['export-requested', 'export-downloaded']))
})

test('a leader that is gone in the middle leaves an export that the next one finishes', async () => {
  await using world = await createWorld()
  const asked: (string | null)[] = []
  let isStuck = true
  world.answers['messaging.exportUser'] = async ({ cursor }) => {
    asked.push(cursor)
    if (cursor === '2' && isStuck) return new Promise<never>(() => undefined)
    const page = Number(cursor ?? 0)
    const records = [{ kind: 'messages', data: { page } }]
    return { records, files: [], cursor: page === 4 ? null : String(page + 1) }
  }
  await world.start()
  const userId = v4()
  const first = must(await world.calls.exportUser(asking(userId)))
  await expect.poll(() => asked, soon).toEqual([null, '1', '2'])
  expect(must(await world.calls.exportUser(asking(userId))).id).toBe(first.id)
  isStuck = false
  const [leader] = await world.leaders()
  await world.start()
  await world.terminate(leader!)
  await expect.poll(() => stateOf(world, userId), slowly).toBe('ready')
  const contents = await contentsOf((await exportOf(world, userId)).url!)
  expect(JSON.parse(String(contents.get('messaging/messages.json')))).toEqual([0, 1, 2, 3, 4].map((page) => ({ page })))
})

test('an export ends when its days are over, and with its user', async () => {
  await using world = await createWorld()
  await world.start()
  const [userId, erasedId] = [v4(), v4()]
  for (const id of [userId, erasedId]) must(await world.calls.exportUser(asking(id)))
  for (const id of [userId, erasedId]) await expect.poll(() => stateOf(world, id), slowly).toBe('ready')
  const { url } = await exportOf(world, erasedId)
  must(await world.calls.eraseUser({ ...asking(erasedId), reason: 'asked for it' }))
  await expect.poll(() => stateOf(world, erasedId), slowly).toBe('expired')
  const answer = await fetch(url!)
  expect(answer.status).toBe(404)
  expect(await text(answer.body!)).toContain('NoSuchKey')
  expect(await stateOf(world, userId)).toBe('ready')
  world.clock.set('2026-11-30T12:00:00.000Z')
  // Looked for at the start of a lead, and every minute.
  const [leader] = await world.leaders()
  await world.terminate(leader!)
  await expect.poll(() => stateOf(world, userId), slowly).toBe('expired')
  const again = must(await world.calls.exportUser(asking(userId)))
  await expect.poll(() => stateOf(world, userId), slowly).toBe('ready')
  expect((await exportOf(world, userId)).id).toBe(again.id)
})

test('an export that nobody has asked for is refused', async () => {
  await using world = await createWorld()
  await world.start()
  expect(await world.calls.getExport(asking(v4()))).toMatchObject({ refusal: { code: 'export_not_found' } })
})

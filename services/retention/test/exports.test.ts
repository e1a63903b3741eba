import { CreateMultipartUploadCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { must } from '@parley/bus'
import { openS3 } from '@parley/s3'
import { v4 } from 'uuid'
import { expect, test } from 'vitest'
import { serveFiles } from './file-server.ts'
import { keysBelow, uploadsBelow } from './objects.ts'
import { contentsOf } from './read-zip.ts'
import { admin, createWorld, soon, type World } from './world.ts'

const asking = (userId: string) => ({ actor: admin, userId })
const exportOf = async (world: World, userId: string) => must(await world.calls.getExport(asking(userId)))
const stateOf = async (world: World, userId: string) => (await exportOf(world, userId)).state
const slowly = { timeout: 25_000 }

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
  let answers = 0
  const origin = await serveFiles(files, (rest, response) => {
    answers += 1
    if (answers % 2 === 0 || rest.byteLength < 2) return void response.end(rest)
    response.write(rest.subarray(0, Math.ceil(rest.byteLength / 2)), () => response.destroy())
  })
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
    expect(path).toMatch(/^files\/[^\\/:*?"<>|]{1,200}$/u)
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
  await expect.poll(() => keysBelow(s3, `exports/${id}/`), soon).toEqual([expect.stringMatching(/\.zip$/)])
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
  await expect.poll(async () => (await fetch(url!)).text(), soon).toContain('NoSuchKey')
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

test('links that are no longer good are asked for anew', async () => {
  await using world = await createWorld()
  const files = new Map(['one', 'two', 'three'].map((id) => [id, Buffer.alloc(100_000, id)]))
  let version = 0
  let answers = 0
  const origin = await serveFiles(files, (rest, response, asked) => {
    const isGood = new URL(asked.url!, 'http://files').searchParams.get('version') === String(version)
    if (!isGood) {
      response.setHeader('content-length', 0)
      return void response.writeHead(403).end()
    }
    answers += 1
    // In the middle of a file, too.
    if (answers % 2 === 0) return void response.end(rest)
    version += 1
    response.write(rest.subarray(0, 50_000), () => response.destroy())
  })
  world.answers['media.exportUser'] = async () => {
    version += 1
    const fileOf = (id: string) => ({ id, name: 'a', bytes: 100_000, url: `${origin}/${id}?version=${version}` })
    return { records: [], files: [...files.keys()].map(fileOf), cursor: null }
  }
  await world.start()
  const userId = v4()
  must(await world.calls.exportUser(asking(userId)))
  await expect.poll(() => stateOf(world, userId), slowly).toBe('ready')
  const contents = await contentsOf((await exportOf(world, userId)).url!)
  for (const [id, content] of files) expect(contents.get(`files/${id}-a`)!.equals(content)).toBe(true)
  expect(JSON.parse(String(contents.get('report.json')))).toMatchObject({ files: 3, missingFiles: [] })
})

test('files that cannot be had by new links either are missing, and the rest is there', async () => {
  await using world = await createWorld()
  const files = new Map(['refused', 'there', 'deleted'].map((id) => [id, Buffer.from(id)]))
  const origin = await serveFiles(files, (rest, response, asked) => {
    if (asked.url === '/there') return void response.end(rest)
    response.setHeader('content-length', 0)
    response.writeHead(403).end()
  })
  let asked = 0
  world.answers['media.exportUser'] = async () => {
    asked += 1
    const ids = [...files.keys()].filter((id) => id !== 'deleted' || asked <= 2)
    return {
      records: [],
      files: ids.map((id) => ({ id, name: 'a', bytes: 1, url: `${origin}/${id}` })),
      cursor: null,
    }
  }
  await world.start()
  const userId = v4()
  must(await world.calls.exportUser(asking(userId)))
  await expect.poll(() => stateOf(world, userId), slowly).toBe('ready')
  const contents = await contentsOf((await exportOf(world, userId)).url!)
  expect([...contents.keys()]).toEqual(['files/there-a', 'report.json'])
  expect(JSON.parse(String(contents.get('report.json')))).toMatchObject({
    files: 1,
    missingFiles: ['refused', 'deleted'],
  })
})

test('no link is given when the days of an export are over, though its ZIP is still there', async () => {
  await using world = await createWorld()
  await world.start()
  const userId = v4()
  must(await world.calls.exportUser(asking(userId)))
  await expect.poll(() => stateOf(world, userId), slowly).toBe('ready')
  expect(await exportOf(world, userId)).toMatchObject({ keptUntil: '2026-11-29T12:00:00.000Z' })
  world.clock.set('2026-11-29T11:59:59.999Z')
  expect((await exportOf(world, userId)).url).toEqual(expect.any(String))
  world.clock.set('2026-11-29T12:00:00.000Z')
  expect(await exportOf(world, userId)).toMatchObject({ state: 'expired', url: null })
})

test('what is left below exports/ of exports that are over is found, and removed by the next leader', async () => {
  await using world = await createWorld()
  using s3 = openS3(world.config.s3)
  await world.start()
  const [userId, unknownId] = [v4(), v4()]
  const { id } = must(await world.calls.exportUser(asking(userId)))
  await expect.poll(() => stateOf(world, userId), slowly).toBe('ready')
  const left = [`exports/${unknownId}/${v4()}.json`, `exports/${id}/${v4()}.json`]
  for (const Key of [...left, 'exports/readme.txt']) {
    await s3.client.send(new PutObjectCommand({ Bucket: s3.bucket, Key, Body: 'something' }))
  }
  const Key = `exports/${unknownId}/${v4()}.zip`
  await s3.client.send(new CreateMultipartUploadCommand({ Bucket: s3.bucket, Key }))
  must(await world.calls.startRun({ actor: admin, kind: 'verify' }))
  await expect
    .poll(async () => (await world.runs('verify')).at(-1), soon)
    .toMatchObject({ result: 'remains', findings: [{ store: 's3', what: 'export', id: unknownId }] })
  const [leader] = await world.leaders()
  await world.terminate(leader!)
  await expect
    .poll(() => keysBelow(s3, 'exports/'), soon)
    .toEqual([expect.stringMatching(`^exports/${id}/.*\\.zip$`), 'exports/readme.txt'])
  expect(await uploadsBelow(s3, 'exports/')).toEqual([])
  expect((await contentsOf((await exportOf(world, userId)).url!)).has('report.json')).toBe(true)
})

test('an export that nobody has asked for is refused', async () => {
  await using world = await createWorld()
  await world.start()
  expect(await world.calls.getExport(asking(v4()))).toMatchObject({ refusal: { code: 'export_not_found' } })
})

import { randomBytes } from 'node:crypto'
import { must } from '@parley/bus'
import { openPostgres } from '@parley/postgres'
import { openS3 } from '@parley/s3'
import { silentLog, testS3 } from '@parley/testing'
import { v4 } from 'uuid'
import { expect, test } from 'vitest'
import { runExport } from '../src/exports/run-export.ts'
import type { Tables } from '../src/store/tables.ts'
import { serveFiles } from './file-server.ts'
import { killAroundEach } from './kill-around.ts'
import { keysBelow, uploadsBelow } from './objects.ts'
import { contentsOf } from './read-zip.ts'
import { kindOf, openS3Door, type S3Door } from './s3-door.ts'
import { keepProcess } from './start-process.ts'
import { admin, createWorld, s3ForTest, soon, type World } from './world.ts'

const asking = (userId: string) => ({ actor: admin, userId })
const exportOf = async (world: World, userId: string) => must(await world.calls.getExport(asking(userId)))
const stateOf = async (world: World, userId: string) => (await exportOf(world, userId)).state

/** With S3 behind a door. */
async function createWorldBehindDoor(stack: AsyncDisposableStack): Promise<{ world: World; door: S3Door }> {
  const s3 = s3ForTest(await testS3())
  const door = stack.use(await openS3Door(s3.endpoint!))
  return { world: stack.use(await createWorld({ s3: { ...s3, endpoint: door.endpoint } })), door }
}

const PAGES = 4
const messages = Array.from({ length: 1_200 }, (_, index) => ({ id: index, text: `message ${index}` }))

/** A user with messages on pages, and files. */
function keepMuchOf(world: World, files: ReadonlyMap<string, Buffer>, origin: string): void {
  world.answers['auth.exportUser'] = async () => ({
    records: [{ kind: 'profile', data: { displayName: 'Ann' } }],
    files: [],
    cursor: null,
  })
  world.answers['messaging.exportUser'] = async ({ cursor }) => {
    const page = Number(cursor ?? 0)
    const onPage = messages.slice((page * messages.length) / PAGES, ((page + 1) * messages.length) / PAGES)
    return {
      records: onPage.map((data) => ({ kind: 'messages', data })),
      files: [],
      cursor: page === PAGES - 1 ? null : String(page + 1),
    }
  }
  world.answers['media.exportUser'] = async () => ({
    records: [...files.keys()].map((id) => ({ kind: 'uploads', data: { id } })),
    files: [...files].map(([id, { byteLength: bytes }]) => ({
      id,
      name: 'same name.bin',
      bytes,
      url: `${origin}/${id}`,
    })),
    cursor: null,
  })
}

async function expectWhole(world: World, userId: string, files: ReadonlyMap<string, Buffer>): Promise<void> {
  const { url, id, steps } = await exportOf(world, userId)
  const contents = await contentsOf(url!)
  expect([...contents.keys()].toSorted()).toEqual(
    [
      'auth/profile.json',
      'media/uploads.json',
      'messaging/messages.json',
      'report.json',
      ...[...files.keys()].map((file) => `files/${file}-same name.bin`),
    ].toSorted(),
  )
  expect(JSON.parse(String(contents.get('messaging/messages.json')))).toEqual(messages)
  for (const [file, content] of files) {
    expect(contents.get(`files/${file}-same name.bin`)!.equals(content)).toBe(true)
  }
  expect(JSON.parse(String(contents.get('report.json')))).toMatchObject({
    services: { auth: { profile: 1 }, messaging: { messages: messages.length }, media: { uploads: files.size } },
    files: files.size,
    missingFiles: [],
  })
  expect(steps.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done', 'done'])
  using s3 = openS3(world.config.s3)
  // Nothing else is left of it.
  await expect.poll(() => keysBelow(s3, `exports/${id}/`), soon).toEqual([expect.stringMatching(/\.zip$/)])
  await expect.poll(() => uploadsBelow(s3, 'exports/'), soon).toEqual([])
}

/** For what others have left, which is looked for at the start of each lead. */
const lookedForAtStart = new Set(['GET bucket uploads', 'GET bucket list-type delimiter'])

const someFiles = () =>
  new Map([
    ['one', randomBytes(20_000_000)],
    ['two', randomBytes(300_000)],
    ['three', Buffer.from('third')],
  ])

test('the ZIP is whole when S3 fails half the time, and answers are lost', { timeout: 120_000 }, async () => {
  await using stack = new AsyncDisposableStack()
  const { world, door } = await createWorldBehindDoor(stack)
  const files = someFiles()
  const origin = await serveFiles(files, (rest, response) => response.end(rest))
  keepMuchOf(world, files, origin)
  await world.start()
  const userId = v4()
  let asked = 0
  door.decide = () => (Math.random() < 0.5 ? 'pass' : asked++ % 2 === 0 ? 'fail' : 'lose')
  must(await world.calls.exportUser(asking(userId)))
  await expect.poll(() => stateOf(world, userId), { timeout: 100_000 }).toBe('ready')
  expect(asked).toBeGreaterThan(10)
  door.decide = () => 'pass'
  await expectWhole(world, userId, files)
})

test(
  'the ZIP is whole when the leader is killed before and after each thing it asks',
  { timeout: 240_000 },
  async () => {
    await using stack = new AsyncDisposableStack()
    const { world, door } = await createWorldBehindDoor(stack)
    const files = someFiles()
    const origin = await serveFiles(files, (rest, response) => response.end(rest))
    keepMuchOf(world, files, origin)
    const instance = stack.use(keepProcess(world))
    const killer = killAroundEach(instance)
    for (const owner of ['messaging', 'media'] as const) {
      const answer = world.answers[`${owner}.exportUser`]
      world.answers[`${owner}.exportUser`] = (request, context) =>
        killer.around(`${owner} ${request.cursor}`, () => answer(request, context))
    }
    door.decide = (request) => {
      const kind = kindOf(request)
      return lookedForAtStart.has(kind) ? 'pass' : killer.fateOf(kind)
    }
    const userId = v4()
    await expect.poll(() => world.calls.exportUser(asking(userId)).then(({ ok }) => ok), { timeout: 60_000 }).toBe(true)
    const state = async () => (await world.db.selectFrom('jobs').select('state').executeTakeFirstOrThrow()).state
    await expect.poll(state, { timeout: 200_000 }).toBe('ready')
    killer.stop()
    expect(killer.labels).toEqual(
      expect.arrayContaining([
        'media null',
        'messaging 3',
        'PUT json',
        'POST zip uploads',
        'PUT zip uploadId partNumber',
      ]),
    )
    expect(instance.kills).toBeGreaterThan(15)
    await expect.poll(() => world.calls.getExport(asking(userId)).then(({ ok }) => ok), soon).toBe(true)
    await expectWhole(world, userId, files)
  },
)

test('two instances that both believe to lead make one ZIP, and it is whole', async () => {
  await using world = await createWorld()
  const files = new Map([['one', randomBytes(2_000_000)]])
  const origin = await serveFiles(files, (rest, response) => response.end(rest))
  keepMuchOf(world, files, origin)
  await world.start({ leadEveryMs: 60_000 })
  await expect.poll(() => world.leaders(), soon).toHaveLength(1)
  const [leader] = await world.leaders()
  await world.terminate(leader!)
  const userId = v4()
  const { id } = must(await world.calls.exportUser(asking(userId)))
  using s3 = openS3(world.config.s3)
  await using postgres = openPostgres<Tables>({ url: world.config.postgresUrl, service: 'test', log: silentLog })
  const { db } = postgres
  const parts = { db, s3, owners: world.owners, clock: world.clock, exportDays: 7 }
  const job = () => db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  const { signal } = new AbortController()
  for (let round = 0; (await job()).state !== 'ready' && round < 10; round += 1) {
    const both = [await job(), await job()]
    await Promise.allSettled(both.map((seen) => runExport(parts, seen, signal)))
  }
  await expectWhole(world, userId, files)
})

test('an export of a user who is erased while it is written ends, and nothing of it is left', async () => {
  await using world = await createWorld()
  const files = new Map([['one', randomBytes(3_000_000)]])
  const stalled = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const origin = await serveFiles(files, (rest, response) => {
    response.write(rest.subarray(0, 1_000_000))
    stalled.resolve()
    void goOn.promise.then(() => response.end(rest.subarray(1_000_000)))
  })
  keepMuchOf(world, files, origin)
  await world.start()
  const userId = v4()
  const { id } = must(await world.calls.exportUser(asking(userId)))
  await stalled.promise
  must(await world.calls.eraseUser({ ...asking(userId), reason: 'asked for it' }))
  await expect.poll(() => stateOf(world, userId), soon).toBe('expired')
  goOn.resolve()
  using s3 = openS3(world.config.s3)
  await expect.poll(() => keysBelow(s3, `exports/${id}/`), soon).toEqual([])
  await expect.poll(() => uploadsBelow(s3, 'exports/'), soon).toEqual([])
  await expect
    .poll(async () => must(await world.calls.getErasure(asking(userId))), soon)
    .toMatchObject({
      state: 'done',
      steps: expect.arrayContaining([expect.objectContaining({ service: 'retention' })]),
    })
  expect(await exportOf(world, userId)).toMatchObject({ state: 'expired', url: null, size: null, keptUntil: null })
})

test('what is gathered of a user while they are erased is removed again, and no more is asked for', async () => {
  await using stack = new AsyncDisposableStack()
  const { world, door } = await createWorldBehindDoor(stack)
  let pagesPut = 0
  door.decide = (request) => {
    if (kindOf(request) === 'PUT json') pagesPut += 1
    return 'pass'
  }
  const asked = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  keepMuchOf(world, new Map(), '')
  const { 'messaging.exportUser': answer } = world.answers
  world.answers['messaging.exportUser'] = async (request, context) => {
    if (request.cursor === '2') {
      asked.resolve()
      await goOn.promise
    }
    return answer(request, context)
  }
  await world.start()
  const userId = v4()
  const { id } = must(await world.calls.exportUser(asking(userId)))
  await asked.promise
  using s3 = openS3(world.config.s3)
  expect(await keysBelow(s3, `exports/${id}/`)).toHaveLength(3)
  must(await world.calls.eraseUser({ ...asking(userId), reason: 'asked for it' }))
  const erasure = async () => must(await world.calls.getErasure(asking(userId)))
  await expect.poll(async () => (await erasure()).state, soon).toBe('done')
  expect((await erasure()).steps.at(-1)).toMatchObject({ service: 'retention', counts: { 's3.exports': 3 } })
  expect(await keysBelow(s3, `exports/${id}/`)).toEqual([])
  goOn.resolve()
  await expect.poll(() => pagesPut, soon).toBe(4)
  await expect.poll(() => keysBelow(s3, `exports/${id}/`), soon).toEqual([])
  expect(world.asked['messaging.exportUser']).toHaveLength(3)
  expect(await stateOf(world, userId)).toBe('expired')
})

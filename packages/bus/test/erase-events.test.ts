import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  connectBus,
  ensureStream,
  eraseEvents,
  erasePartOfEvents,
  findEvents,
  findPartOfEvents,
  publishEvents,
  purgeEvents,
  recordOf,
  type EventPayload,
} from '@parley/bus'
import { silentLog, testNats, type TestServer } from '@parley/testing'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { kitchen } from './kitchen.ts'

let nats: TestServer
beforeAll(async () => {
  nats = await testNats()
})
afterAll(() => nats[Symbol.asyncDispose]())

const openBus = (url = nats.url) => connectBus({ url, service: 'kitchen', log: silentLog })
type Opened = Awaited<ReturnType<typeof openBus>>

const isDish =
  (...dishes: string[]) =>
  ({ dish }: EventPayload) =>
    dishes.includes(dish as string)
const everything = () => true

async function serve(bus: Opened, table: string, dishes: readonly string[]): Promise<void> {
  const events = dishes.map((dish) => recordOf(kitchen.events.served, { table }, { table, dish }))
  await publishEvents(bus, events, { idOf: () => undefined })
}

/** What is stored of a table, in order. */
async function dishesOf(bus: Opened, table: string): Promise<unknown[]> {
  const dishes: unknown[] = []
  const isOf = ({ dish }: EventPayload) => dishes.push(dish) > 0
  await findEvents(bus, kitchen, { subject: `kitchen.event.*.${table}`, isOf, most: 10_000 })
  return dishes
}

/** Of all files of a folder. */
async function textIn(directory: string): Promise<string> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return (await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'latin1')))).join('')
}

test('of a subject with wildcards, those events are erased whose payload is so, and no others', async () => {
  await using bus = await openBus()
  await ensureStream(bus, kitchen)
  await serve(bus, 'a', ['soup', 'fish', 'soup', 'cake'])
  await serve(bus, 'b', ['soup'])
  const which = { subject: 'kitchen.event.*.a', isOf: isDish('soup') }
  expect(await findEvents(bus, kitchen, { ...which, most: 10 })).toHaveLength(2)
  expect(await findEvents(bus, kitchen, { ...which, most: 1 })).toHaveLength(1)
  expect(await eraseEvents(bus, kitchen, which)).toBe(2)
  expect(await dishesOf(bus, 'a')).toEqual(['fish', 'cake'])
  expect(await dishesOf(bus, 'b')).toEqual(['soup'])
  expect(await eraseEvents(bus, kitchen, which)).toBe(0)
  expect(await findEvents(bus, kitchen, { ...which, most: 10 })).toEqual([])
})

test('hundreds are erased side by side, and by two at once no event is counted twice', async () => {
  await using bus = await openBus()
  await using other = await openBus()
  await ensureStream(bus, kitchen)
  await serve(
    bus,
    'many',
    Array.from({ length: 600 }, (_, index) => (index % 2 === 0 ? 'even' : 'odd')),
  )
  const which = { subject: 'kitchen.event.served.many', isOf: isDish('even') }
  const erased = await Promise.all([eraseEvents(bus, kitchen, which), eraseEvents(other, kitchen, which)])
  expect(erased[0] + erased[1]).toBe(300)
  expect(new Set(await dishesOf(bus, 'many'))).toEqual(new Set(['odd']))
})

test('what must answer in time erases a part, and goes on from there', async () => {
  await using bus = await openBus()
  await ensureStream(bus, kitchen)
  await serve(bus, 'part', ['soup', 'fish', 'soup', 'soup', 'cake'])
  const which = { subject: 'kitchen.event.served.part', isOf: isDish('soup') }
  let lookedAt = 0
  const first = await erasePartOfEvents(bus, kitchen, { ...which, after: 0, isEnough: () => (lookedAt += 1) === 3 })
  expect(first).toEqual({ erased: 2, after: expect.any(Number) })
  expect(await dishesOf(bus, 'part')).toEqual(['fish', 'soup', 'cake'])
  const rest = { ...which, after: first.after!, isEnough: () => false }
  expect(await erasePartOfEvents(bus, kitchen, rest)).toEqual({ erased: 1, after: null })
  expect(await dishesOf(bus, 'part')).toEqual(['fish', 'cake'])
})

test('what is erased is overwritten in the files of JetStream', async () => {
  await using ownNats = await testNats()
  await using bus = await openBus(ownNats.url)
  await ensureStream(bus, kitchen)
  await serve(bus, 'secret', ['the-secret-recipe', 'soup'])
  const files = () => textIn(ownNats.directory)
  expect(await files()).toContain('the-secret-recipe')
  await eraseEvents(bus, kitchen, { subject: 'kitchen.event.>', isOf: isDish('the-secret-recipe') })
  await expect.poll(files).not.toContain('the-secret-recipe')
  expect(await files()).toContain('soup')
})

test('a whole subject is purged at once', async () => {
  await using bus = await openBus()
  await ensureStream(bus, kitchen)
  await serve(bus, 'whole', ['soup', 'fish'])
  await serve(bus, 'beside', ['soup'])
  expect(await purgeEvents(bus, kitchen, 'kitchen.event.*.whole')).toBe(2)
  expect(await dishesOf(bus, 'whole')).toEqual([])
  expect(await dishesOf(bus, 'beside')).toEqual(['soup'])
})

test('a stream that does not exist has no events', async () => {
  await using ownNats = await testNats()
  await using bus = await openBus(ownNats.url)
  const which = { subject: 'kitchen.event.>', isOf: everything }
  expect(await eraseEvents(bus, kitchen, which)).toBe(0)
  expect(await findEvents(bus, kitchen, { ...which, most: 1 })).toEqual([])
  expect(await purgeEvents(bus, kitchen, which.subject)).toBe(0)
})

test('what is no event of ours is passed over', async () => {
  await using bus = await openBus()
  await ensureStream(bus, kitchen)
  for (const text of ['', 'no json', '[]', '"soup"']) {
    await bus.nats.jetstream().publish('kitchen.event.served.strange', new TextEncoder().encode(text))
  }
  await serve(bus, 'strange', ['soup'])
  expect(await eraseEvents(bus, kitchen, { subject: 'kitchen.event.served.strange', isOf: everything })).toBe(1)
})

test('events that come without end do not keep it from ending', async () => {
  await using bus = await openBus()
  await ensureStream(bus, kitchen)
  await serve(bus, 'growing', ['soup', 'soup'])
  let come: Promise<void> = Promise.resolve()
  const isOf = () => {
    come = come.then(() => serve(bus, 'growing', ['soup']))
    return true
  }
  expect(await eraseEvents(bus, kitchen, { subject: 'kitchen.event.served.growing', isOf })).toBe(2)
  await come
})

test('while NATS is away it is said so at once, and afterwards the rest is erased', async () => {
  await using ownNats = await testNats()
  await using bus = await openBus(ownNats.url)
  await ensureStream(bus, kitchen)
  await serve(bus, '1', ['soup', 'fish'])
  await ownNats.kill()
  const which = { subject: 'kitchen.event.>', isOf: everything }
  await expect
    .poll(() => eraseEvents(bus, kitchen, which).catch((error: unknown) => error))
    .toMatchObject({ code: 'unavailable' })
  await ownNats.restart()
  await vi.waitFor(async () => expect(await eraseEvents(bus, kitchen, which)).toBe(2), { timeout: 15_000 })
})

test('events are found in parts, each from where the one before has ended', async () => {
  await using bus = await openBus()
  await ensureStream(bus, kitchen)
  await serve(bus, 'parts', ['soup', 'fish', 'soup', 'cake', 'soup'])
  const which = { subject: 'kitchen.event.*.parts', isOf: isDish('soup') }
  const all = await findEvents(bus, kitchen, { ...which, most: 10 })
  const found: number[] = []
  const sizes: number[] = []
  let after: number | null = 0
  while (after !== null) {
    let looked = 0
    const part = await findPartOfEvents(bus, kitchen, { ...which, most: 1, after, isEnough: () => (looked += 1) === 2 })
    found.push(...part.found)
    sizes.push(part.found.length)
    after = part.after
  }
  expect(found).toEqual(all)
  expect(sizes).toEqual([1, 1, 1, 0])
})

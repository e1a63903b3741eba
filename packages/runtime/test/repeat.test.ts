import { repeat } from '@parley/runtime'
import { silentLog } from '@parley/testing'
import { pino } from 'pino'
import { expect, test } from 'vitest'

const hour = 60 * 60 * 1000

test('work is done at once and again after each pause, never twice at a time', async () => {
  let running = 0
  let runs = 0
  await using _repeating = repeat('count', { everyMs: 1, log: silentLog }, async () => {
    running += 1
    expect(running).toBe(1)
    await Promise.resolve()
    running -= 1
    runs += 1
  })
  await expect.poll(() => runs).toBeGreaterThan(3)
})

test('a run that fails is logged under its name, and the next one comes', async () => {
  const lines: string[] = []
  const log = pino({ base: null }, { write: (line: string) => void lines.push(line) })
  let runs = 0
  await using _repeating = repeat('fail', { everyMs: 1, log }, async () => {
    runs += 1
    if (runs === 1) throw new Error('no salt')
  })
  await expect.poll(() => runs).toBeGreaterThan(1)
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0]!)).toMatchObject({ job: 'fail', msg: 'job failed' })
})

test('hurry ends the pause', async () => {
  let runs = 0
  await using repeating = repeat('count', { everyMs: hour, log: silentLog }, async () => {
    runs += 1
  })
  await expect.poll(() => runs).toBe(1)
  repeating.hurry()
  await expect.poll(() => runs).toBe(2)
})

test('however often it is hurried during a run, one more run follows', async () => {
  let runs = 0
  const finish = Promise.withResolvers<void>()
  await using repeating = repeat('count', { everyMs: hour, log: silentLog }, async () => {
    runs += 1
    await finish.promise
  })
  await expect.poll(() => runs).toBe(1)
  repeating.hurry()
  repeating.hurry()
  finish.resolve()
  await expect.poll(() => runs).toBe(2)
  repeating.hurry()
  await expect.poll(() => runs).toBe(3)
})

test('disposing ends the pause at once, tells the run under way and waits for it', async () => {
  let told = false
  let finished = false
  const finish = Promise.withResolvers<void>()
  const repeating = repeat('wait', { everyMs: hour, log: silentLog }, async (signal) => {
    signal.addEventListener('abort', () => (told = true))
    await finish.promise
    finished = true
  })
  const disposed = repeating[Symbol.asyncDispose]()
  expect(told).toBe(true)
  finish.resolve()
  await disposed
  expect(finished).toBe(true)

  const pausing = repeat('pause', { everyMs: hour, log: silentLog }, async () => undefined)
  await pausing[Symbol.asyncDispose]()
})

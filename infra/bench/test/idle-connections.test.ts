import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const PROGRAM = join(import.meta.dirname, '../src/idle-connections.ts')

interface Side {
  readonly bytesPerConnection: number
  readonly handshakesPerCoreSecond: number
  readonly lastReceiverMs: readonly number[]
  readonly deliveries: readonly number[]
  readonly lost: number
}

test('a message reaches every idle connection of two real gateways, and what they cost is told', async () => {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'parley-bench-test-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const json = join(directory, 'figures.json')
  const few = ['--gateways=2', '--connections=120', '--conversations=2', '--members=10']
  const short = ['--idle-seconds=1', '--messages=2', `--json=${json}`]
  await promisify(execFile)(process.execPath, [PROGRAM, ...few, ...short])

  const figures = JSON.parse(await readFile(json, 'utf8')) as { chat: Side; bare: Side }
  expect(figures.chat).toMatchObject({ deliveries: [120, 120], lost: 0 })
  expect(figures.bare).toMatchObject({ deliveries: [60, 60], lost: 0 })
  for (const { bytesPerConnection, handshakesPerCoreSecond, lastReceiverMs } of [figures.chat, figures.bare]) {
    expect(bytesPerConnection).toBeGreaterThan(1_000)
    expect(handshakesPerCoreSecond).toBeGreaterThan(10)
    for (const ms of lastReceiverMs) expect(ms).toBeGreaterThan(0)
  }
}, 180_000)

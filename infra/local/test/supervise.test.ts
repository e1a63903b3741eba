import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { supervise } from '../src/launch/supervise.ts'
import { startProcess, type LocalProcess } from '../src/processes/local-process.ts'
import { isRunning } from './launched.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const PATIENT = { timeout: 10_000 }

const sleeper = (directory: string, seconds = '1000'): Promise<LocalProcess> =>
  startProcess({
    name: 'sleeper',
    command: 'sleep',
    arguments: [seconds],
    directory,
    logFile: join(directory, 'sleeper.log'),
    recordDirectory: directory,
  })

test('what was killed is started again, and the pid that is told is true', async () => {
  await using directory = await temporaryDirectory()
  const pids: (number | null)[] = []
  const said: string[] = []
  const first = await sleeper(directory.path)
  await using _supervised = supervise(first, {
    name: 'sleeper',
    restart: () => sleeper(directory.path),
    onChange: (process) => pids.push(process?.pid ?? null),
    say: (line) => said.push(line),
  })
  process.kill(first.pid, 'SIGKILL')
  await vi.waitFor(() => expect(pids).toHaveLength(3), PATIENT)
  expect(pids.slice(0, 2)).toEqual([first.pid, null])
  expect(pids[2]).not.toBe(first.pid)
  expect(isRunning(pids[2]!)).toBe(true)
  expect(said).toEqual(['sleeper ended (SIGKILL); it is started again in 0.2 s'])
})

test('the pause doubles while it keeps ending, or cannot be started', async () => {
  await using directory = await temporaryDirectory()
  const said: string[] = []
  let restarts = 0
  await using _supervised = supervise(await sleeper(directory.path, '0'), {
    name: 'sleeper',
    restart: async () => {
      restarts += 1
      if (restarts === 2) throw new Error('no memory')
      return sleeper(directory.path, '0')
    },
    onChange: () => {},
    say: (line) => said.push(line),
  })
  await vi.waitFor(() => expect(said.length).toBeGreaterThanOrEqual(4), PATIENT)
  expect(said.slice(0, 4)).toEqual([
    'sleeper ended (code 0); it is started again in 0.2 s',
    'sleeper ended (code 0); it is started again in 0.4 s',
    'sleeper did not start: no memory; it is started again in 0.8 s',
    'sleeper ended (code 0); it is started again in 1.6 s',
  ])
})

test('disposing ends what runs and starts nothing more, also during a pause', async () => {
  await using directory = await temporaryDirectory()
  const first = await sleeper(directory.path)
  const restart = vi.fn<() => Promise<LocalProcess>>(() => sleeper(directory.path))
  const said: string[] = []
  const supervised = supervise(first, { name: 'it', restart, onChange: () => {}, say: (line) => said.push(line) })
  process.kill(first.pid, 'SIGKILL')
  await vi.waitFor(() => expect(said).toHaveLength(1), PATIENT)
  await supervised[Symbol.asyncDispose]()
  expect(restart).not.toHaveBeenCalled()

  const second = await sleeper(directory.path)
  await supervise(second, { name: 'it', restart, onChange: () => {}, say: () => {} })[Symbol.asyncDispose]()
  expect(isRunning(second.pid)).toBe(false)
  expect(restart).not.toHaveBeenCalled()
})

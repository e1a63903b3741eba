import { spawn } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { startProcess } from '../src/processes/local-process.ts'
import { identityOf } from '../src/processes/process-identity.ts'
import { stopLeftovers, writeProcessRecord } from '../src/processes/process-record.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const start = (directory: string, script: string, stopTimeoutMs = 10_000) =>
  startProcess({
    name: 'it',
    command: '/bin/sh',
    arguments: ['-c', script],
    directory,
    logFile: join(directory, 'it.log'),
    recordDirectory: directory,
    stopTimeoutMs,
  })

test('a recorded process is ended, even if it does not listen, and its record goes with it', async () => {
  await using directory = await temporaryDirectory()
  await using process = await start(directory.path, 'trap "" TERM; while true; do sleep 0.05; done', 200)
  expect(await stopLeftovers(directory.path)).toEqual(['it'])
  expect(await process.ended).toBe('SIGKILL')
  expect(await readdir(directory.path)).toEqual(['it.log'])
})

test('a process that has a recorded pid, but is another one, is left alone', async () => {
  await using directory = await temporaryDirectory()
  const stranger = spawn('sleep', ['1000'])
  try {
    writeProcessRecord(directory.path, 'it', { pid: stranger.pid!, stopSignal: 'SIGTERM', stopTimeoutMs: 1_000 })
    const path = join(directory.path, 'it.process.json')
    const record = JSON.parse(await readFile(path, 'utf8')) as { identity: string }
    await writeFile(path, JSON.stringify({ ...record, identity: `${record.identity}1` }))
    expect(await stopLeftovers(directory.path)).toEqual([])
    expect(identityOf(stranger.pid!)).not.toBeNull()
    expect(await readdir(directory.path)).toEqual([])
  } finally {
    stranger.kill('SIGKILL')
  }
})

test('a record that was cut off does no harm', async () => {
  await using directory = await temporaryDirectory()
  await writeFile(join(directory.path, 'it.process.json'), '{"pid":')
  expect(await stopLeftovers(directory.path)).toEqual([])
  expect(await readdir(directory.path)).toEqual([])
})

test('a process that does not stop is killed, and its last lines can be told', async () => {
  await using directory = await temporaryDirectory()
  const process = await start(directory.path, 'trap "" TERM; echo deaf; while true; do sleep 0.05; done', 100)
  await vi.waitFor(() => expect(process.lastLines()).toBe('deaf'), { timeout: 10_000 })
  await process[Symbol.asyncDispose]()
  expect(process.hasEnded).toBe(true)
  expect(await process.ended).toBe('SIGKILL')
})

test('a program that is not there is an error and not an unhandled event', async () => {
  await using directory = await temporaryDirectory()
  const started = startProcess({
    name: 'it',
    command: join(directory.path, 'nothing'),
    arguments: [],
    directory: directory.path,
    logFile: join(directory.path, 'it.log'),
    recordDirectory: directory.path,
  })
  await expect(started).rejects.toThrow('ENOENT')
})

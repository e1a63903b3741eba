import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import type { ServersOfRun } from './servers-of-run.ts'

const keeper = fileURLToPath(new URL('keep-servers.ts', import.meta.url))

/** Vitest's global set-up: starts what all test files of a run share. It ends with the run, also when that is killed. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  // In a session of its own, where a Ctrl-C does not reach it.
  const child = spawn(process.execPath, [keeper], { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
  const ended = once(child, 'exit')
  const told = await Promise.race([once(createInterface(child.stdout), 'line'), ended.then(() => undefined)])
  if (told === undefined) throw new Error('the servers for the tests could not be started')
  project.provide('serversOfRun', JSON.parse(String(told[0])) as ServersOfRun)
  return async () => {
    child.stdin.end()
    await ended
  }
}

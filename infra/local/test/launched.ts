import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { identityOf } from '../src/processes/process-identity.ts'
import type { ServerState, ServiceState, State } from '../src/launch/state-file.ts'

/** A launcher in a process of its own, with two throwaway services, as `npm start` is one with Parley's. */
export interface Launched extends AsyncDisposable {
  readonly process: ChildProcess
  readonly output: () => string
  readonly exitCode: Promise<number | null>
  readonly state: () => Promise<State>
  readonly service: (name: string) => Promise<ServiceState>
  readonly server: (name: string) => Promise<ServerState>
}

const READY_TIMEOUT_MS = 60_000

/** `command` is what runs the launcher; it is followed by the launcher's own command line. */
export function startLauncher(
  clone: string,
  environment: Record<string, string>,
  command: readonly string[] = [],
): Launched {
  const [program, ...programArguments] = [
    ...command,
    process.execPath,
    join(import.meta.dirname, 'launch-throwaway.ts'),
    clone,
  ]
  const { PATH, HOME } = process.env
  const child = spawn(program, programArguments, {
    env: { PATH, HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()))
  const exitCode = once(child, 'close').then(([code]) => code as number | null)
  const state = async () => JSON.parse(await readFile(join(clone, '.parley/state.json'), 'utf8')) as State
  const named = <Named extends { name: string }>(all: readonly Named[], name: string): Named => {
    const found = all.find((one) => one.name === name)
    if (found === undefined) throw new Error(`there is no ${name}`)
    return found
  }
  return {
    process: child,
    output: () => output,
    exitCode,
    state,
    service: async (name) => named((await state()).services, name),
    server: async (name) => named((await state()).servers, name),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await exitCode
    },
  }
}

export async function untilLaunched(launched: Launched): Promise<void> {
  await expect.poll(() => launched.output(), { timeout: READY_TIMEOUT_MS }).toContain('Ready: ')
}

export const isRunning = (pid: number | null): boolean => pid !== null && identityOf(pid) !== null

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

/** Runs a program to its end and resolves with what it printed. Rejects, with its last lines, if it fails. */
export async function runProgram(
  command: string,
  programArguments: readonly string[],
  options: {
    timeoutMs: number
    directory?: string
    environment?: Readonly<Record<string, string>>
    signal?: AbortSignal
    user?: { readonly uid: number; readonly gid: number } | undefined
  },
): Promise<string> {
  try {
    const { stdout } = await run(command, [...programArguments], {
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_OUTPUT_BYTES,
      env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', ...options.environment },
      ...(options.directory === undefined ? {} : { cwd: options.directory }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...options.user,
    })
    return stdout
  } catch (error) {
    options.signal?.throwIfAborted()
    const { stdout = '', stderr = '', killed } = error as { stdout?: string; stderr?: string; killed?: boolean }
    const reason = killed === true ? `took longer than ${options.timeoutMs} ms` : 'failed'
    const lines = `${stdout}\n${stderr}`.trim().split('\n').slice(-8).join('\n')
    throw new Error(`${command} ${programArguments[0] ?? ''} ${reason}: ${lines}`, { cause: error })
  }
}

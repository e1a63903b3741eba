import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** A server process of plain WebSockets. */
export interface BareWebSockets extends AsyncDisposable {
  readonly pid: number
  readonly port: number
  /** Sends a text to everybody. Resolves with when it began, ns. */
  broadcast(text: string): Promise<bigint>
}

export async function startBareWebSockets(flags: readonly string[]): Promise<BareWebSockets> {
  const child = fork(join(import.meta.dirname, 'bare-process.ts'), { execArgv: [...flags] })
  const ended = once(child, 'exit')
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return {
    pid: child.pid!,
    port,
    async broadcast(text) {
      const began = once(child, 'message')
      child.send({ text })
      const [{ atNs }] = (await began) as [{ atNs: string }]
      return BigInt(atNs)
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

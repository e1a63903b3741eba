import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { ConnectionPlace } from '@parley/routing'

type How = 'closed' | 'lost' | 'drained'

/** Shorter than in life, but not so short that a busy machine makes a gateway look dead. */
export const GRACE_MS = { closed: 200, lost: 2_000, drained: 20_000 }

export type GatewayCommand = { readonly number: number } & (
  | { readonly what: 'connect'; readonly connectionId: string; readonly userId: string }
  | { readonly what: 'idle'; readonly connectionId: string; readonly userId: string; readonly idle: boolean }
  | { readonly what: 'disconnect'; readonly connectionId: string; readonly userId: string; readonly how: How }
  | { readonly what: 'stop' }
)

export interface TestGateway extends AsyncDisposable {
  readonly pid: number
  /** Answers with the connection's id. */
  connect(userId: string): Promise<string>
  /** The connections that were to be closed in favour of others, so far. */
  readonly beyond: readonly ConnectionPlace[]
  setIdle(userId: string, connectionId: string, idle: boolean): Promise<void>
  disconnect(userId: string, connectionId: string, how: How): Promise<void>
  /** As an orchestrator does it: the process takes its leave. */
  stop(): Promise<void>
  /** As kill -9 does it. */
  kill(): Promise<void>
}

type Unnumbered = GatewayCommand extends infer Command
  ? Command extends GatewayCommand
    ? Omit<Command, 'number'>
    : never
  : never

export async function startTestGateway(natsUrl: string, redisUrl: string): Promise<TestGateway> {
  const child = fork(new URL('gateway-process.ts', import.meta.url), [natsUrl, redisUrl], { execArgv: [] })
  const exited = once(child, 'exit')
  const waiting = new Map<number, () => void>()
  let last = 0
  const beyond: ConnectionPlace[] = []
  child.on('message', (message: { done: number; beyond?: ConnectionPlace[] }) => {
    beyond.push(...(message.beyond ?? []))
    waiting.get(message.done)?.()
  })

  async function until(number: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting.set(number, resolve)
    await Promise.race([promise, exited])
    waiting.delete(number)
  }

  async function perform(command: Unnumbered): Promise<void> {
    const number = ++last
    const done = until(number)
    child.send({ ...command, number })
    await done
  }

  async function kill(): Promise<void> {
    child.kill('SIGKILL')
    await exited
  }

  await until(0)
  return {
    pid: child.pid ?? 0,
    async connect(userId) {
      const connectionId = randomUUID()
      await perform({ what: 'connect', connectionId, userId })
      return connectionId
    },
    beyond,
    setIdle: (userId, connectionId, idle) => perform({ what: 'idle', connectionId, userId, idle }),
    disconnect: (userId, connectionId, how) => perform({ what: 'disconnect', connectionId, userId, how }),
    async stop() {
      await perform({ what: 'stop' })
      await exited
    },
    kill,
    [Symbol.asyncDispose]: kill,
  }
}

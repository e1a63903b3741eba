import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Answer, Order } from './orders.ts'

const STOP_TIMEOUT_MS = 10_000

/** A process that holds thousands of clients. */
export interface LoadGenerator extends AsyncDisposable {
  /** Resolves when the tokens are signed. */
  prepare(order: Extract<Order, { do: 'prepare' }>): Promise<void>
  /** Resolves when all clients are connected. `triedAgain` says how often one was told to come later. */
  connect(): Promise<{ triedAgain: number }>
  /** Resolves when it does. */
  listen(marker: string): Promise<void>
  /** Resolves with when it was sent, ns. */
  send(input: object): Promise<bigint>
  heard(): Promise<{ count: number; lastAtNs: bigint; lost: number }>
}

export function startLoadGenerator(): LoadGenerator {
  const child = fork(join(import.meta.dirname, 'load-process.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const ended = once(child, 'exit')
  const waiting = new Map<Answer['told'], { resolve: (answer: Answer) => void; reject: (error: Error) => void }>()
  child.on('message', (answer: Answer) => {
    waiting.get(answer.told)?.resolve(answer)
    waiting.delete(answer.told)
  })
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('a load process has ended'))
  })
  const tell = (order: Order): void => void child.send(order)

  async function answered<Told extends Answer['told']>(told: Told): Promise<Extract<Answer, { told: Told }>> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    waiting.set(told, { resolve, reject })
    return (await promise) as Extract<Answer, { told: Told }>
  }

  return {
    async prepare(order) {
      const prepared = answered('prepared')
      tell(order)
      await prepared
    },
    connect() {
      const connected = answered('connected')
      tell({ do: 'connect' })
      return connected
    },
    async listen(marker) {
      const listening = answered('listening')
      tell({ do: 'listen', marker })
      await listening
    },
    async send(input) {
      const sent = answered('sent')
      tell({ do: 'send', input })
      return BigInt((await sent).atNs)
    },
    async heard() {
      const told = answered('heard')
      tell({ do: 'tell' })
      const { count, lastAtNs, lost } = await told
      return { count, lastAtNs: BigInt(lastAtNs), lost }
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) tell({ do: 'stop' })
      const kill = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
      if (child.exitCode === null && child.signalCode === null) await ended
      clearTimeout(kill)
    },
  }
}

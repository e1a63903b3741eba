import { setTimeout as delay } from 'node:timers/promises'
import { startLoadGenerator, type LoadGenerator } from './load-generator.ts'

/** Clients in as many processes as they need. */
export interface Load extends AsyncDisposable {
  readonly triedAgain: number
  readonly connectSeconds: number
  /** The first client sends what makes everybody hear the marker. Resolves when all have heard, or it has taken too long. */
  broadcast(options: {
    marker: string
    send: (first: LoadGenerator) => Promise<bigint>
    timeoutMs: number
  }): Promise<Heard>
}

export interface Heard {
  readonly deliveries: number
  readonly lastAfterMs: number
  /** Connections that the server has ended since they were opened. */
  readonly lost: number
}

/** A process may have 20,000 files open. */
const CLIENTS_PER_PROCESS = 14_000
/** Over all processes. */
const CONNECTING_AT_ONCE = 200
const POLL_MS = 50

export async function startLoad(options: {
  ports: readonly number[]
  connections: number
  /** Without it, plain WebSockets. */
  users: { issuer: string; privateKey: string; userIds: readonly string[] } | null
}): Promise<Load> {
  const { ports, connections, users } = options
  await using stack = new AsyncDisposableStack()
  const count = Math.ceil(connections / CLIENTS_PER_PROCESS)
  const generators = Array.from({ length: count }, () => stack.use(startLoadGenerator()))
  const starts = generators.map((_, index) => Math.floor((connections * index) / count))
  await Promise.all(
    generators.map((generator, index) => {
      const [from = 0, to = connections] = [starts[index], starts[index + 1]]
      return generator.prepare({
        do: 'prepare',
        ports,
        // Each has ports of its own to connect from.
        localAddress: `127.0.0.${2 + index}`,
        signing: users && { ...users, userIds: users.userIds.slice(from, to) },
        count: to - from,
        atOnce: Math.ceil(CONNECTING_AT_ONCE / count),
      })
    }),
  )
  const startedMs = performance.now()
  const outcomes = await Promise.all(generators.map((generator) => generator.connect()))
  const connectSeconds = (performance.now() - startedMs) / 1_000
  const running = stack.move()

  async function hear(): Promise<{ count: number; lastAtNs: bigint; lost: number }> {
    const told = await Promise.all(generators.map((generator) => generator.heard()))
    return {
      count: told.reduce((sum, one) => sum + one.count, 0),
      lastAtNs: told.reduce((last, { lastAtNs }) => (lastAtNs > last ? lastAtNs : last), 0n),
      lost: told.reduce((sum, one) => sum + one.lost, 0),
    }
  }

  return {
    triedAgain: outcomes.reduce((sum, { triedAgain }) => sum + triedAgain, 0),
    connectSeconds,
    async broadcast({ marker, send, timeoutMs }) {
      await Promise.all(generators.map((generator) => generator.listen(marker)))
      const sentAtNs = await send(generators[0]!)
      const endsAt = performance.now() + timeoutMs
      let heard = await hear()
      while (heard.count < connections && performance.now() < endsAt) {
        await delay(POLL_MS)
        heard = await hear()
      }
      return { deliveries: heard.count, lastAfterMs: Number(heard.lastAtNs - sentAtNs) / 1e6, lost: heard.lost }
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

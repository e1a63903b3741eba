import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { openGatewayRouting, type GatewayRouting } from '@parley/routing'
import type { Logger } from '@parley/runtime'
import type { Population } from './population.ts'
import { numbers, sideBySide } from './side-by-side.ts'

/** Gateways, all in this process, each with a Redis connection of its own, as the processes would have them. */
export interface LoadedGateways extends AsyncDisposable {
  readonly all: readonly GatewayRouting[]
  /** Users are spread over the gateways in turn. */
  of(user: number): GatewayRouting
  connectionId(user: number): string
  /** Does something with every user, gateway by gateway. */
  forEachUser(work: (gateway: GatewayRouting, user: number) => Promise<unknown>): Promise<void>
  /** Resolves when all that was added has been in Redis for a while, and nobody had to doubt it. */
  untilRegistered(): Promise<void>
  /** How often a gateway had to doubt that, because Redis did not answer in time, and registered everything again. */
  readonly doubts: number
}

/** Longer than in a gateway of its own: what renewals cost is measured by itself, and a busy process may be late. */
const LEASE_MS = 300_000
const RENEW_MS = 60_000
const USERS_AT_ONCE = 200
const REGISTERED_WITHIN_MS = 300_000
const QUIET_MS = 2_000

export async function openGateways(options: {
  url: string
  gateways: number
  people: Population
  log: Logger
}): Promise<LoadedGateways> {
  const { url, people, log } = options
  await using stack = new AsyncDisposableStack()
  const all: GatewayRouting[] = []
  for (let index = 0; index < options.gateways; index++) {
    const gateway = await openGatewayRouting({
      url,
      log,
      leaseMs: LEASE_MS,
      renewMs: RENEW_MS,
    })
    all.push(stack.use(gateway))
  }
  const connectionIds: string[] = []
  const doubtsOf = () => all.reduce((sum, { figures }) => sum + figures.doubts, 0)
  const opened = stack.move()

  return {
    all,
    of: (user) => all[user % all.length]!,
    connectionId: (user) => (connectionIds[user] ??= randomBytes(16).toString('base64url')),
    async forEachUser(work) {
      for (const [index, gateway] of all.entries()) {
        const users = numbers(index, people.users, all.length)
        await sideBySide(users, USERS_AT_ONCE, (user) => work(gateway, user))
      }
    },
    async untilRegistered() {
      const giveUpAt = performance.now() + REGISTERED_WITHIN_MS
      let since = performance.now()
      let doubts = doubtsOf()
      while (performance.now() - since < QUIET_MS) {
        if (performance.now() > giveUpAt) throw new Error('gateways could not get everything into Redis')
        await delay(100)
        if (all.every(({ figures }) => figures.registered) && doubts === doubtsOf()) continue
        since = performance.now()
        doubts = doubtsOf()
      }
    },
    get doubts() {
      return doubtsOf()
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

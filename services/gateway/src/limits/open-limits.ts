import { refuse } from '@parley/contracts'
import type { OperationName } from '@parley/protocol'
import { repeat, type Logger } from '@parley/runtime'
import type { ChatConnection } from '../hub/chat-connection.ts'
import type { Asker } from '../operation-table.ts'
import { networkOf } from './client-address.ts'
import {
  keptOtherwise,
  limitOf,
  SERVICE_ACCOUNT_FACTOR,
  type LimitName,
  type LimitTable,
  type OperationLimit,
} from './limit-table.ts'
import { openRedisCounts } from './redis-counts.ts'
import { WindowCounter } from './window-counter.ts'

/**
 * How much of everything there is for each. All of these throw `rate_limited`, at once or by rejecting; those of signing in also
 * `unavailable`, while Redis cannot be asked.
 */
export interface Limits {
  /** Counts an operation by its user and, if it came by one, by its connection. */
  admitOperation(name: OperationName, asker: Pick<Asker, 'identity' | 'connection'>): Promise<void> | undefined
  /** Counts a request to this gateway by the client's address. */
  admitRequest(address: string): Promise<void> | undefined
  /** Counts who begins to connect to the hub. */
  admitConnecting(address: string): Promise<void> | undefined
  /** Counts a request to pages and routes by which people sign in. */
  admitSignIn(address: string): Promise<void> | undefined
  /** Counts a request to a route at which clients show secrets, codes and tokens. */
  admitToken(address: string): Promise<void> | undefined
  /** Counts it once more, by its client at this address. */
  admitTokenClient(address: string, clientId: string): Promise<void> | undefined
}

export interface OpenedLimits extends Limits, AsyncDisposable {
  /** How often Redis could not be asked. */
  readonly unasked: number
}

/** Told of each refusal, by the name of the limit, such as `send.user`. */
export type OnLimited = (limit: string) => void

const FORGET_EVERY_MS = 10_000

interface Named {
  readonly name: string
  readonly counter: WindowCounter
}

interface By {
  readonly factor?: number
  /** By which it came. */
  readonly connection?: ChatConnection | undefined
}

export async function openLimits(options: {
  table: LimitTable
  redisUrl: string
  onLimited: OnLimited
  now: () => number
  log: Logger
}): Promise<OpenedLimits> {
  const { table, onLimited, now, log } = options
  await using stack = new AsyncDisposableStack()
  const redis = stack.use(await openRedisCounts({ url: options.redisUrl, log }))
  const all: Named[] = []

  /** Nothing where the limit is off. */
  function open<Name extends LimitName>(of: Name, by: keyof LimitTable[Name] & string): Named[] {
    const limit = table[of][by]
    if (limit === null) return []
    const name = `${of}.${by}`
    // A connection is on one gateway.
    const shared = by === 'connection' ? undefined : redis
    const counter = new WindowCounter(name, limit, { keeping: keptOtherwise[of] ?? 'shared', redis: shared, now })
    all.push({ name, counter })
    return all.slice(-1)
  }

  const usersOf = new Map<OperationLimit, readonly Named[]>()
  for (const name of new Set(Object.values(limitOf))) {
    const perDay = name === 'findUsers' ? open(name, 'userPerDay') : []
    usersOf.set(name, [...open(name, 'user'), ...perDay])
  }
  const invocations = open('invocation', 'connection')
  const refusals = open('refusal', 'connection')
  const requests = open('request', 'address')
  const connects = open('connect', 'address')
  const signIns = open('signIn', 'address')
  const tokens = open('token', 'address')
  const tokenClients = open('token', 'clientAtAddress')

  stack.use(
    repeat('forget-ended-limits', { everyMs: FORGET_EVERY_MS, log }, async () => {
      for (const { counter } of all) counter.forgetEnded()
    }),
  )

  /** Takes one of each in turn, until there is one of which none is left. */
  function take(
    counters: readonly Named[],
    key: string,
    { factor = 1, connection }: By = {},
  ): Promise<void> | undefined {
    for (const [index, { name, counter }] of counters.entries()) {
      const taken = counter.take(key, factor)
      if (typeof taken !== 'number') {
        return taken.then((retryAfterMs) => {
          check(name, retryAfterMs, connection)
          return take(counters.slice(index + 1), key, { factor, connection })
        })
      }
      check(name, taken, connection)
    }
    return undefined
  }

  function check(name: string, retryAfterMs: number, connection?: ChatConnection): void {
    if (retryAfterMs === 0) return
    onLimited(name)
    if (connection !== undefined) countRefusal(connection)
    throw refuse.rate_limited({ retryAfterMs })
  }

  /** A client that goes on asking whatever it is told is closed, and does not come back by itself. */
  function countRefusal(connection: ChatConnection): void {
    const tooMany = refusals.find(({ counter }) => counter.take(connection.id) !== 0)
    if (tooMany === undefined || connection.hasEnded) return
    onLimited(tooMany.name)
    connection.close({ error: refuse.rate_limited({ retryAfterMs: 0 }).message })
  }

  const opened = stack.move()
  return {
    get unasked() {
      return redis.failures
    },
    admitOperation(name, { identity, connection }) {
      const by = { factor: identity.isService ? SERVICE_ACCOUNT_FACTOR : 1, connection }
      if (connection !== undefined) void take(invocations, connection.id, by)
      return take(usersOf.get(limitOf[name])!, identity.actor.userId, by)
    },
    admitRequest: (address) => take(requests, networkOf(address)),
    admitConnecting: (address) => take(connects, networkOf(address)),
    admitSignIn: (address) => take(signIns, networkOf(address)),
    admitToken: (address) => take(tokens, networkOf(address)),
    admitTokenClient: (address, clientId) => take(tokenClients, `${networkOf(address)} ${clientId}`),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

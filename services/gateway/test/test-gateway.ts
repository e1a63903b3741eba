import { connectBus, listen, type Bus } from '@parley/bus'
import { Announcement, gateway } from '@parley/contracts'
import { silentLog, testNats, testRedis, type TestServer } from '@parley/testing'
import { vi } from 'vitest'
import type { TrustedProxies } from '../src/limits/client-address.ts'
import { GivenIssuers } from '../src/identity/issuers.ts'
import { GivenLimits, limitsInForce } from '../src/limits/configured-limits.ts'
import { startGateway } from '../src/service.ts'
import { startTestAuth, type TestAuth } from './test-auth.ts'
import { startTestIssuer, type TestIssuer } from './test-issuer.ts'

const PUBLIC_URL = 'http://parley.test'

export const SECRET = 'a secret of at least 32 characters'

export interface TestGateway extends AsyncDisposable {
  readonly url: string
  readonly issuer: TestIssuer
  readonly auth: TestAuth
  readonly nats: TestServer
  readonly redis: TestServer
  /** One more, on the same servers. */
  another(): Promise<{ readonly url: string } & AsyncDisposable>
  /** A connection of the test's own, for standing in for services. */
  readonly bus: Bus
  /** The ids under which the gateway is heard of now. */
  readonly gatewayIds: () => number[]
}

/** A gateway on servers of its own, with a stand-in for the issuer and none yet for the services. */
export async function startTestGateway({
  connectionsPerUser = 20,
  authIsAway = false,
  limits,
  issuers = [],
  trustedProxies = 0,
  ...times
}: {
  connectionsPerUser?: number
  authIsAway?: boolean
  /** As `GATEWAY_LIMITS` has them. */
  limits?: object
  /** As `GATEWAY_ISSUERS` has them. */
  issuers?: object[]
  trustedProxies?: TrustedProxies
  idleMs?: number
} = {}): Promise<TestGateway> {
  await using stack = new AsyncDisposableStack()
  const nats = stack.use(await testNats())
  const redis = stack.use(await testRedis())
  const issuer = stack.use(await startTestIssuer(PUBLIC_URL))
  const bus = stack.use(await connectBus({ url: nats.url, service: 'test', log: silentLog }))
  const auth = stack.use(await startTestAuth(bus, { isAway: authIsAway }))
  let last: Announcement | undefined
  stack.use(
    await listen(bus, gateway.notices.announced, {}, (data) => {
      last = Announcement.parse(JSON.parse(new TextDecoder().decode(data)))
    }),
  )
  const start = () =>
    startGateway(
      {
        environment: 'development',
        logLevel: 'silent',
        http: { host: '127.0.0.1', port: 0 },
        natsUrl: nats.url,
        redisUrl: redis.url,
        authUrl: issuer.url,
        publicUrl: PUBLIC_URL,
        allowedOrigins: ['https://chat.example'],
        address: undefined,
        secret: SECRET,
        drainMs: 0,
        handshakesPerSecond: 1_000,
        connectionsPerUser,
        limits: limitsInForce(GivenLimits.parse(JSON.stringify(limits ?? {})), { development: true }),
        externalIssuers: GivenIssuers.parse(JSON.stringify(issuers)),
        trustedProxies,
      },
      times,
    )
  const started = stack.use(await start())
  await vi.waitUntil(() => last !== undefined, { timeout: 10_000 })
  const opened = stack.move()
  return {
    url: urlOf(started),
    async another() {
      const other = await start()
      return { url: urlOf(other), [Symbol.asyncDispose]: () => other[Symbol.asyncDispose]() }
    },
    issuer,
    auth,
    nats,
    redis,
    bus,
    gatewayIds: () => (last === undefined ? [] : [last.gatewayId]),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

const urlOf = ({ port }: { port: number }): string => `http://127.0.0.1:${port}`

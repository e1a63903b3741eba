import { ConfigError, readEnvironment, stopTimeoutMs, variables, type Environment } from '@parley/runtime'
import { z } from 'zod'
import { checkIssuers, GivenIssuers } from './identity/issuers.ts'
import { GivenProxies } from './limits/client-address.ts'
import { GivenLimits, limitsInForce } from './limits/configured-limits.ts'
import { AFTER_DRAIN_MS } from './stop-in-time.ts'

export type Config = ReturnType<typeof readConfig>

/** Hosts to listen on that are no address of anybody. */
const EVERYWHERE = ['0.0.0.0', '::']

const origins = z
  .string()
  .transform((list) => list.split(',').map((origin) => origin.trim()))
  .pipe(z.array(z.url({ protocol: /^https?$/ }).refine((origin) => new URL(origin).origin === origin, 'not an origin')))

export function readConfig(environment: Environment) {
  const read = readEnvironment(
    'GATEWAY_',
    {
      PARLEY_ENV: variables.PARLEY_ENV,
      PARLEY_PUBLIC_URL: z.url({ protocol: /^https?$/ }),
      LOG_LEVEL: variables.LOG_LEVEL,
      HTTP_HOST: variables.HTTP_HOST,
      HTTP_PORT: variables.HTTP_PORT,
      NATS_URL: variables.NATS_URL,
      REDIS_URL: variables.REDIS_URL,
      AUTH_URL: z.url({ protocol: /^https?$/ }),
      /** The same for all gateways: a client may negotiate with one and connect to another. */
      GATEWAY_SECRET: z.string().min(32),
      /** Where the other gateways reach this one, such as `http://10.1.2.3:8080`: they pass on what belongs to it. */
      GATEWAY_ADDRESS: z.url({ protocol: /^http$/ }).optional(),
      /** Exact origins, separated by commas, whose pages may connect. In development, pages of this machine may as well. */
      GATEWAY_ALLOWED_ORIGINS: origins.optional(),
      /** Connections that one user may have, over all gateways. The newest win. */
      GATEWAY_CONNECTIONS_PER_USER: z.coerce.number().int().min(1).max(1_000).default(20),
      /** Clients that may begin to connect in one second. The others are told to come back a little later. */
      GATEWAY_HANDSHAKES_PER_SECOND: z.coerce.number().int().min(1).max(100_000).default(1_000),
      /** JSON: which limits differ from the defaults. */
      GATEWAY_LIMITS: GivenLimits.optional(),
      /** JSON: external issuers whose access tokens are taken as Parley's own are. */
      GATEWAY_ISSUERS: GivenIssuers.optional(),
      GATEWAY_TRUSTED_PROXIES: GivenProxies.default(0),
      TERMINATION_GRACE_SECONDS: variables.TERMINATION_GRACE_SECONDS,
      /** How long a stopping gateway takes to close its connections, spread evenly. It must fit into the time a stop may take. */
      GATEWAY_DRAIN_SECONDS: z.coerce.number().int().min(0).max(600).default(5),
    },
    environment,
  )
  if (read.GATEWAY_ADDRESS === undefined && EVERYWHERE.includes(read.HTTP_HOST)) {
    throw new ConfigError('GATEWAY_ADDRESS is missing: HTTP_HOST does not say where other gateways reach this one.')
  }
  const drainMs = read.GATEWAY_DRAIN_SECONDS * 1_000
  checkStopFits(drainMs, read.TERMINATION_GRACE_SECONDS)
  const development = read.PARLEY_ENV === 'development'
  const publicUrl = new URL(read.PARLEY_PUBLIC_URL).origin
  checkIssuers(read.GATEWAY_ISSUERS ?? [], { development, publicUrl })
  return {
    environment: read.PARLEY_ENV,
    logLevel: read.LOG_LEVEL,
    http: { host: read.HTTP_HOST, port: read.HTTP_PORT },
    natsUrl: read.NATS_URL,
    redisUrl: read.REDIS_URL,
    authUrl: new URL(read.AUTH_URL).origin,
    /** The issuer of the access tokens: where clients find the OAuth pages, which is this gateway. */
    publicUrl,
    allowedOrigins: read.GATEWAY_ALLOWED_ORIGINS ?? [],
    /** Undefined: where it listens. */
    address: read.GATEWAY_ADDRESS && new URL(read.GATEWAY_ADDRESS).origin,
    secret: read.GATEWAY_SECRET,
    connectionsPerUser: read.GATEWAY_CONNECTIONS_PER_USER,
    handshakesPerSecond: read.GATEWAY_HANDSHAKES_PER_SECOND,
    limits: limitsInForce(read.GATEWAY_LIMITS, { development }),
    externalIssuers: read.GATEWAY_ISSUERS ?? [],
    trustedProxies: read.GATEWAY_TRUSTED_PROXIES,
    drainMs,
  }
}

function checkStopFits(drainMs: number, graceSeconds: number): void {
  const stopMs = drainMs + AFTER_DRAIN_MS
  const missingMs = stopMs - stopTimeoutMs(graceSeconds)
  if (missingMs <= 0) return
  throw new ConfigError(
    `GATEWAY_DRAIN_SECONDS is ${drainMs / 1_000}, with which a stop may take ${stopMs / 1_000} seconds: ` +
      `TERMINATION_GRACE_SECONDS is ${graceSeconds} and would have to be ${graceSeconds + missingMs / 1_000} at least.`,
  )
}

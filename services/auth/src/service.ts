import { connectBus, ensureStream, publishRows, serve, type EventRecord } from '@parley/bus'
import { auth } from '@parley/contracts'
import { isUnavailable, openOutbox, openPostgres } from '@parley/postgres'
import { createHealth, createLogger, createMetrics, repeat, serveHttp } from '@parley/runtime'
import { createCalls } from './calls/index.ts'
import type { Config } from './config.ts'
import { createApp } from './http/app.ts'
import { signInRoutes } from './http/sign-in.ts'
import { userinfoRoutes } from './http/userinfo.ts'
import { removeExpired } from './jobs/remove-expired.ts'
import { openOAuth } from './oauth/open-oauth.ts'
import { createSignIn } from './sign-in.ts'
import type { Tables } from './store/tables.ts'

export type { Config }

export interface Auth extends AsyncDisposable {
  readonly port: number
}

const REMOVE_EXPIRED_EVERY_MS = 60_000

/** Who you are. Several instances work on one database; none keeps in memory what another would need. */
export async function startAuth(config: Config): Promise<Auth> {
  await using stack = new AsyncDisposableStack()
  const { publicUrl: issuer, secret, clients } = config
  const development = config.environment === 'development'
  const log = createLogger({ service: 'auth', level: config.logLevel })
  const metrics = createMetrics('auth')

  const postgres = stack.use(openPostgres<Tables>({ url: config.postgresUrl, service: 'auth', log }))
  const { db } = postgres
  const bus = stack.use(await connectBus({ url: config.natsUrl, service: 'auth', log }))
  await ensureStream(bus, auth)
  const outbox = stack.use(
    openOutbox<EventRecord, Tables>({
      db,
      log,
      deliver: (rows) => publishRows(bus, rows),
    }),
  )
  stack.use(repeat('remove-expired', { everyMs: REMOVE_EXPIRED_EVERY_MS, log }, (signal) => removeExpired(db, signal)))

  const oauth = await openOAuth({ db, issuer, secret, clients, log })
  const signIn = createSignIn(db, outbox)
  const { signInForDevelopment, ...calls } = createCalls({ db, signIn, issueAccessToken: oauth.issueAccessToken })
  stack.use(await serve(bus, auth, development ? { ...calls, signInForDevelopment } : calls, { isUnavailable }))

  const health = createHealth({ checks: { nats: () => bus.check(), postgres: () => postgres.check() }, metrics })
  const app = createApp({
    issuer,
    health: health.routes,
    userinfo: userinfoRoutes(oauth.findBearer),
    signIn: development ? signInRoutes({ provider: oauth.provider, signIn, log }) : null,
    provider: oauth.provider,
    log,
  })
  const http = stack.use(await serveHttp(app, config.http))
  stack.defer(() => health.startDraining())
  if (!development) log.warn('nobody can sign in: there is no federated login yet, and no sign-in page in production')

  const started = stack.move()
  return { port: http.port, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

import { callerOf, connectBus, ensureStream, publishRows, serve, type EventRecord } from '@parley/bus'
import { auth, media } from '@parley/contracts'
import { isUnavailable, openOutbox, openPostgres } from '@parley/postgres'
import { createHealth, createLogger, createMetrics, repeat, serveHttp } from '@parley/runtime'
import { openAuditLog } from './audit/open-audit-log.ts'
import { createCalls } from './calls/index.ts'
import type { Config } from './config.ts'
import { hearDecisions } from './consumers/decided.ts'
import { hearRoleChanges } from './consumers/member-changed.ts'
import { createFederation } from './federation/federation.ts'
import { createApp } from './http/app.ts'
import { oauthRoutes } from './http/oauth-routes.ts'
import { signInRoutes } from './http/sign-in.ts'
import { removeExpired } from './jobs/remove-expired.ts'
import { openOAuth } from './oauth/open-oauth.ts'
import { keepSessions } from './sessions/keep-sessions.ts'
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
  const { publicUrl: issuer, secret, clients, upstreams, admins, signingKeyDays } = config
  const development = config.environment === 'development'
  const log = createLogger({ service: 'auth', level: config.logLevel })
  const metrics = createMetrics('auth')

  const postgres = stack.use(openPostgres<Tables>({ url: config.postgresUrl, service: 'auth', log }))
  const { db } = postgres
  const bus = stack.use(await connectBus({ url: config.natsUrl, service: 'auth', log }))
  await ensureStream(bus, auth)
  const outbox = stack.use(openOutbox<EventRecord, Tables>({ db, log, deliver: (rows) => publishRows(bus, rows) }))
  stack.use(repeat('remove-expired', { everyMs: REMOVE_EXPIRED_EVERY_MS, log }, (signal) => removeExpired(db, signal)))

  const audit = openAuditLog(db)
  const shared = { db, bus, outbox, audit, log }
  stack.use(hearRoleChanges(bus, audit))
  stack.use(hearDecisions(bus, audit))
  const { sessions } = stack.use(keepSessions(shared))
  const signIn = createSignIn(db, outbox)
  const oauth = stack.use(
    await openOAuth({ db, issuer, secret, clients, admins, signingKeyDays, sessions, signIn, audit, log }),
  )
  const federation = createFederation({ upstreams, publicUrl: issuer, db })
  const mediaCalls = callerOf(bus, media)
  const { signInForDevelopment, ...calls } = createCalls({ ...shared, signIn, sessions, mediaCalls, ...oauth })
  stack.use(await serve(bus, auth, development ? { ...calls, signInForDevelopment } : calls, { isUnavailable }))

  const health = createHealth({ checks: { nats: () => bus.check(), postgres: () => postgres.check() }, metrics })
  const app = createApp({
    issuer,
    health: health.routes,
    oauth: oauthRoutes({ db, oauth, sessions, clients, log }),
    signIn: signInRoutes({ provider: () => oauth.provider, signIn, audit, federation, development, log }),
    provider: () => oauth.provider,
    log,
  })
  const http = stack.use(await serveHttp(app, config.http))
  stack.defer(() => health.startDraining())
  if (!development && upstreams.length === 0)
    log.warn('nobody can sign in: AUTH_UPSTREAMS names no provider to sign in with')

  const started = stack.move()
  return { port: http.port, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

import { randomUUID } from 'node:crypto'
import { connectBus, ensureStream, listen, publishRows, type EventRecord } from '@parley/bus'
import { auth, RevocationNotice } from '@parley/contracts'
import { openOutbox, openPostgres } from '@parley/postgres'
import { silentLog } from '@parley/testing'
import { openAuditLog } from '../src/audit/open-audit-log.ts'
import { openSessions } from '../src/sessions/open-sessions.ts'
import type { Sessions } from '../src/sessions/sessions.ts'
import type { Db, Tables } from '../src/store/tables.ts'
import type { AuthSystem } from './auth-system.ts'

export interface SessionInstance extends AsyncDisposable {
  readonly db: Db
  readonly sessions: Sessions
}

/** What an instance of the service does about sessions, and nothing else of it. */
export async function startSessions({ databaseUrl, nats }: AuthSystem, natsUrl = nats.url): Promise<SessionInstance> {
  await using stack = new AsyncDisposableStack()
  const log = silentLog
  const { db } = stack.use(openPostgres<Tables>({ url: databaseUrl, service: 'auth', log }))
  const bus = stack.use(await connectBus({ url: natsUrl, service: 'auth', log }))
  await ensureStream(bus, auth)
  const outbox = stack.use(openOutbox<EventRecord, Tables>({ db, log, deliver: (rows) => publishRows(bus, rows) }))
  const sessions = openSessions({ db, bus, outbox, audit: openAuditLog(db), log })
  const started = stack.move()
  return { db, sessions, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

/** A new user; what they are called does not matter. */
export async function makeUser(system: AuthSystem): Promise<string> {
  const [user] = await system.query<{ id: string }>(
    `insert into auth.users (display_name, folded_name) values ('somebody', 'SOMEBODY') returning id`,
  )
  return user!.id
}

export async function beginSession(
  { sessions }: SessionInstance,
  userId: string,
  id: string = randomUUID(),
): Promise<string> {
  await sessions.begin({ id, userId, client: 'parley-web', name: 'Firefox', browserId: null })
  return id
}

/** What gateways are told. */
export async function hearRevocations({ bus }: AuthSystem): Promise<{ heard: RevocationNotice[] } & AsyncDisposable> {
  const heard: RevocationNotice[] = []
  const listening = await listen(bus, auth.notices.revoked, {}, (data) => {
    heard.push(RevocationNotice.parse(JSON.parse(new TextDecoder().decode(data))))
  })
  return { heard, [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose]() }
}

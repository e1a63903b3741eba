import { repeat, type Logger } from '@parley/runtime'
import pg from 'pg'

/** Being the only one who works. Disposing gives it up. */
export interface Lead extends AsyncDisposable {
  /** Aborted when it is lost: with the connection that holds it. */
  readonly lost: AbortSignal
}

const LOCK = 'retention.leader'
const TIMEOUT_MS = 2_000
const CHECK_EVERY_MS = 5_000
/** Postgres notices within 25 s that a leader's machine is gone, and frees the lock. */
const KEEPALIVE = '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3'

/**
 * Takes the lead if nobody has it. It is an advisory lock of a connection of its own, so a leader that dies loses it at once.
 * One that is cut off learns of it within seconds: until then two may believe to lead, which their work must bear.
 */
export async function tryToLead(options: { url: string; log: Logger }): Promise<Lead | undefined> {
  const { log } = options
  await using stack = new AsyncDisposableStack()
  const lost = new AbortController()
  const client = new pg.Client({
    connectionString: options.url,
    application_name: 'retention-leader',
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
    options: KEEPALIVE,
  })
  client.on('error', (error) => log.warn({ error }, 'connection of the leader lost'))
  client.on('end', () => lost.abort())
  await client.connect()
  stack.defer(() => client.end())

  const { rows } = await client.query<{ leads: boolean }>(
    'select pg_try_advisory_lock(hashtextextended($1, 0)) as leads',
    [LOCK],
  )
  if (rows[0]?.leads !== true) return undefined
  const checking = repeat('check-lead', { everyMs: CHECK_EVERY_MS, log }, async () => {
    try {
      await client.query('select 1')
    } catch (error) {
      lost.abort()
      throw error
    }
  })
  stack.use(checking)
  const held = stack.move()
  return { lost: lost.signal, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

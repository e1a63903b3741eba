import { refuse } from '@parley/contracts'
import type { HubEvent } from '@parley/protocol'
import type { Clock, Logger } from '@parley/runtime'
import type { ChatConnection } from '../hub/chat-connection.ts'
import { isSameIdentity } from '../identity/identity.ts'
import type { VerifyToken } from '../identity/verify-token.ts'
import { Deadlines } from './deadlines.ts'
import type { Revocations } from './revocations.ts'

type Reason = HubEvent<'SessionEnding'>['reason']

/** So long before its token expires a connection is told: time enough to get another and renew. */
const WARNING_MS = 60_000
/** So long after it has expired a token is still taken, and a connection lives: `expiresAtMs` has it in it. */
const TOLERANCE_MS = 30_000
/** Revocations that come together are looked for together, in one pass over the connections. */
const GATHER_MS = 50

/** How the sessions of live connections end: with their tokens, unless these are renewed, or when they are revoked. */
export class LiveSessions implements Disposable {
  readonly #connections: () => Iterable<ChatConnection>
  readonly #revocations: Pick<Revocations, 'has'>
  readonly #verifyToken: VerifyToken
  readonly #clock: Clock
  readonly #log: Logger
  readonly #warnings: Deadlines<ChatConnection>
  readonly #ends: Deadlines<ChatConnection>
  readonly closed = { revoked: 0, expired: 0 }
  renewed = 0
  #pass: NodeJS.Timeout | undefined

  constructor(options: {
    /** All that are open here. */
    connections: () => Iterable<ChatConnection>
    revocations: Pick<Revocations, 'has'>
    verifyToken: VerifyToken
    clock: Clock
    log: Logger
  }) {
    const { clock } = options
    this.#connections = options.connections
    this.#revocations = options.revocations
    this.#verifyToken = options.verifyToken
    this.#clock = clock
    this.#log = options.log
    this.#warnings = new Deadlines({ clock, due: (connection) => this.#warn(connection) })
    this.#ends = new Deadlines({ clock, due: (connection) => this.#expire(connection) })
  }

  /** From now on the connection lives no longer than its session. */
  begin(connection: ChatConnection): void {
    if (connection.hasEnded) return
    // Revoked after its token was looked at, and before it was among the connections.
    if (this.#revocations.has(connection.identity)) this.#revoke(connection)
    else this.#schedule(connection)
  }

  endConnection(connection: ChatConnection): void {
    const { expiresAtMs } = connection.identity
    this.#warnings.remove(connection, warningAt(expiresAtMs))
    this.#ends.remove(connection, expiresAtMs)
  }

  /** Lets the connection live as long as this token. Throws `session_mismatch`, and what verifying it throws. */
  async renew(connection: ChatConnection, accessToken: string): Promise<{ expiresAt: string }> {
    const identity = await this.#verifyToken(accessToken)
    const { actor } = connection.identity
    if (!isSameIdentity(connection.identity, identity)) throw refuse.session_mismatch()
    // Two renewals may overtake each other: the later token counts.
    if (!connection.hasEnded && identity.expiresAtMs > connection.identity.expiresAtMs) {
      this.endConnection(connection)
      connection.renewIdentity(identity)
      this.#schedule(connection)
      this.renewed += 1
      this.#log.info({ userId: actor.userId, connectionId: connection.id }, 'token renewed')
    }
    return { expiresAt: new Date(connection.identity.expiresAtMs).toISOString() }
  }

  /** Something was revoked: connections that this concerns are closed, all within a moment. */
  endRevoked(): void {
    this.#pass ??= setTimeout(() => {
      this.#pass = undefined
      for (const connection of this.#connections()) {
        if (!connection.hasEnded && this.#revocations.has(connection.identity)) this.#revoke(connection)
      }
    }, GATHER_MS)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#pass)
    this.#warnings[Symbol.dispose]()
    this.#ends[Symbol.dispose]()
  }

  #schedule(connection: ChatConnection): void {
    const { expiresAtMs } = connection.identity
    if (this.#clock.now().getTime() < warningAt(expiresAtMs)) this.#warnings.add(connection, warningAt(expiresAtMs))
    else this.#warn(connection)
  }

  #warn(connection: ChatConnection): void {
    const { expiresAtMs } = connection.identity
    tell(connection, 'token_expiring', expiresAtMs)
    this.#ends.add(connection, expiresAtMs)
  }

  #expire(connection: ChatConnection): void {
    this.closed.expired += 1
    // It may come back at once, with a token that is good.
    connection.close({ error: 'unauthenticated: The access token has expired.', allowReconnect: true })
  }

  #revoke(connection: ChatConnection): void {
    const { userId } = connection.identity.actor
    this.closed.revoked += 1
    this.#log.info({ userId, connectionId: connection.id }, 'connection closed: its session was revoked')
    tell(connection, 'revoked', this.#clock.now().getTime())
    connection.close({ error: 'unauthenticated: The session was revoked.' })
  }
}

function tell(connection: ChatConnection, reason: Reason, atMs: number): void {
  const ending: HubEvent<'SessionEnding'> = { reason, at: new Date(atMs).toISOString() }
  connection.send('SessionEnding', ending)
}

const warningAt = (expiresAtMs: number): number => expiresAtMs - TOLERANCE_MS - WARNING_MS

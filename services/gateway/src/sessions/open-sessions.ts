import type { Bus } from '@parley/bus'
import { refuse } from '@parley/contracts'
import type { Clock, Logger } from '@parley/runtime'
import type { Calls } from '../calls-over.ts'
import type { ChatConnection } from '../hub/chat-connection.ts'
import type { Identity } from '../identity/identity.ts'
import type { VerifyToken } from '../identity/verify-token.ts'
import { hearRevocations } from './hear-revocations.ts'
import { LiveSessions } from './live-sessions.ts'
import { Revocations } from './revocations.ts'

/** Who may come in and stay: no longer than their token is good, and not once it was revoked. */
export interface Sessions extends AsyncDisposable {
  /** As the token alone says it, unless it was revoked. Throws `unavailable` until this gateway knows what was revoked. */
  readonly verifyToken: VerifyToken
  /** The same for an identity that was verified before. */
  readonly assertLive: (identity: Identity) => void
  readonly live: LiveSessions
  /** Resolves when it is known what was revoked. A health check. */
  check(): Promise<void>
  readonly figures: SessionFigures
}

/** As of now, and since the start. */
export interface SessionFigures {
  readonly revocations: number
  /** Connections that were closed because their session was revoked, or their token had expired. */
  readonly closed: { readonly revoked: number; readonly expired: number }
  readonly renewed: number
}

export async function openSessions(options: {
  bus: Bus
  calls: Pick<Calls, 'auth'>
  verifyToken: VerifyToken
  connections: () => Iterable<ChatConnection>
  clock: Clock
  log: Logger
}): Promise<Sessions> {
  const { bus, calls, log } = options
  await using stack = new AsyncDisposableStack()
  const revocations = new Revocations()

  function assertLive(identity: Identity): void {
    if (!hearing.isWhole) throw refuse.unavailable()
    if (revocations.has(identity)) throw refuse.unauthenticated()
  }

  const verifyToken: VerifyToken = async (token, renewed) => {
    const identity = await options.verifyToken(token, renewed)
    assertLive(identity)
    return identity
  }

  const live = stack.use(new LiveSessions({ ...options, revocations, verifyToken }))
  const hearing = stack.use(
    await hearRevocations({ bus, calls: calls.auth, revocations, onRevoked: () => live.endRevoked(), log }),
  )
  const opened = stack.move()
  return {
    verifyToken,
    assertLive,
    live,
    check: () => hearing.check(),
    figures: {
      get revocations() {
        return revocations.size
      },
      get closed() {
        return live.closed
      },
      get renewed() {
        return live.renewed
      },
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

import type { IncomingMessage } from 'node:http'
import { comeBackIn, HubRefusal } from './hub-refusal.ts'

export interface GateOptions<Identity> {
  /** Who sends the request. Throw a `HubRefusal`, usually of status 401, to turn it away. */
  authenticate(request: IncomingMessage): Identity | Promise<Identity>
  /**
   * Asked once for each attempt to connect, before anything else: at negotiate, or at an upgrade that was not
   * negotiated here. Not null: too much is going on, come back later.
   */
  admit?(request: IncomingMessage): { readonly retryAfterSeconds: number } | null
  /** Whether pages of this origin may connect: browsers do not stop them. Without it, all may. */
  allowOrigin?(origin: string | undefined): boolean
}

/** Throws a `HubRefusal` if this is no time for one more. */
export function admit(request: IncomingMessage, options: Pick<GateOptions<unknown>, 'admit'>): void {
  const refused = options.admit?.(request)
  if (refused) throw comeBackIn(refused.retryAfterSeconds)
}

/** Throws a `HubRefusal` unless the request comes from where and from whom it may. */
export async function identify<Identity>(request: IncomingMessage, options: GateOptions<Identity>): Promise<Identity> {
  if (options.allowOrigin?.(request.headers.origin) === false) throw new HubRefusal(403)
  return options.authenticate(request)
}

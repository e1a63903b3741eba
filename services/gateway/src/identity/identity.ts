import type { Actor } from '@parley/contracts'

/** Who a request or a connection belongs to, as its access token says. */
export interface Identity {
  readonly actor: Actor
}

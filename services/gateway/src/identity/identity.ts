import { Actor } from '@parley/contracts'
import { z } from 'zod'

/** Who a request or a connection belongs to, as its access token says. */
export const Identity = z.object({
  actor: Actor,
  /** Who issued the token. */
  issuer: z.string(),
  /** Not a person but a service account: it may what its scopes say. */
  isService: z.boolean(),
  /** The sign-in that the token comes from, where it names one. */
  sessionId: z.string().nullable(),
  /** The token's own id (`jti`), where it has one. */
  tokenId: z.string().nullable(),
  /** Milliseconds since 1970. */
  issuedAtMs: z.number(),
  /** From this time on nobody takes the token any more: milliseconds since 1970. */
  expiresAtMs: z.number(),
})
export type Identity = z.infer<typeof Identity>

export const isSameIdentity = (one: Identity, other: Identity): boolean =>
  one.actor.userId === other.actor.userId && one.sessionId === other.sessionId

import { refuse } from '@parley/contracts'
import jwt from 'jsonwebtoken'
import { z } from 'zod'
import { isSameIdentity, type Identity } from './identity.ts'
import type { SigningKeys } from './signing-keys.ts'
import { readTokenParts } from './token-parts.ts'
import type { TokenRules } from './token-rules.ts'

/**
 * Who the bearer of an access token is. Throws `unauthenticated`, or `unavailable` when that cannot be found out now. Requests
 * of an open connection go on showing the token with which it was opened: `renewed` is who that connection is now, and the
 * token is good for as long as that one's.
 */
export type VerifyToken = (token: string | undefined, renewed?: Identity) => Promise<Identity>

/** An issuer whose tokens are taken. */
export interface TrustedIssuer {
  readonly keys: Pick<SigningKeys, 'find'>
  readonly rules: TokenRules
}

const CLOCK_TOLERANCE_SECONDS = 30
const SECOND_MS = 1_000

/** What every token must say. What it says besides is for the rules of its issuer. */
const Claims = z.looseObject({ iat: z.int(), exp: z.int(), nbf: z.int().optional() })

/** Verified here, without asking anyone but for the keys: by the issuer that the token names, if it is one of these. */
export function createVerifyToken(options: {
  issuers: readonly TrustedIssuer[]
  /** Milliseconds since 1970. */
  now: () => number
}): VerifyToken {
  const { now } = options
  const issuers = new Map(options.issuers.map((trusted) => [trusted.rules.issuer, trusted]))

  return async (token, renewed) => {
    const parts = token === undefined ? undefined : readTokenParts(token)
    const trusted = parts === undefined ? undefined : issuers.get(parts.issuer)
    if (token === undefined || parts === undefined || trusted === undefined) throw refuse.unauthenticated()
    const { rules, keys } = trusted
    if (!rules.takes(parts)) throw refuse.unauthenticated()
    // Why there are no keys is logged where they are fetched, and not for each token.
    const found = await keys.find(parts.keyId).catch(() => {
      throw refuse.unavailable()
    })
    if (found === undefined) throw refuse.unauthenticated()
    const claims = verify(token, {
      key: found.key,
      algorithms: [...found.algorithms],
      issuer: rules.issuer,
      audience: rules.audience,
      nowSeconds: Math.floor(now() / SECOND_MS),
    })
    const expiresAtMs = (claims.exp + CLOCK_TOLERANCE_SECONDS) * SECOND_MS
    const isExpired = now() >= expiresAtMs
    if (isExpired && now() >= (renewed?.expiresAtMs ?? 0)) throw refuse.unauthenticated()
    const bearer = await rules.readClaims(claims)
    if (bearer === undefined) throw refuse.unauthenticated()
    const identity = { ...bearer, expiresAtMs }
    if (isExpired && !(renewed !== undefined && isSameIdentity(renewed, identity))) throw refuse.unauthenticated()
    return identity
  }
}

function verify(
  token: string,
  by: { key: jwt.PublicKey; algorithms: jwt.Algorithm[]; issuer: string; audience: string; nowSeconds: number },
): z.infer<typeof Claims> {
  const { key, nowSeconds, ...rest } = by
  try {
    const verified: unknown = jwt.verify(token, key, {
      ...rest,
      clockTimestamp: nowSeconds,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      // Looked at by the caller, who may know more of it.
      ignoreExpiration: true,
    })
    const claims = Claims.parse(verified)
    if (claims.iat > nowSeconds + CLOCK_TOLERANCE_SECONDS) throw refuse.unauthenticated()
    return claims
  } catch {
    throw refuse.unauthenticated()
  }
}

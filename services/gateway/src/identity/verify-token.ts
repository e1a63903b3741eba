import { refuse } from '@parley/contracts'
import { UserId } from '@parley/protocol'
import type { Logger } from '@parley/runtime'
import jwt from 'jsonwebtoken'
import { z } from 'zod'
import type { Identity } from './identity.ts'
import type { SigningKeys } from './signing-keys.ts'

/** Who the bearer of an access token is. Throws `unauthenticated`, or `unavailable` when the issuer's keys cannot be had. */
export type VerifyToken = (token: string | undefined) => Promise<Identity>

const ALGORITHM = 'RS256'
const AUDIENCE = 'parley'
const CLOCK_TOLERANCE_SECONDS = 30
const MAX_TOKEN_CHARACTERS = 8_192

const Claims = z.object({ sub: UserId, exp: z.number(), scope: z.string().optional(), sid: z.string().optional() })

/** Access tokens of Parley's own issuer (RFC 9068), verified here without asking anyone. */
export function createVerifyToken(options: { issuer: string; keys: SigningKeys; log: Logger }): VerifyToken {
  return async (token) => {
    if (token === undefined || token.length > MAX_TOKEN_CHARACTERS) throw refuse.unauthenticated()
    const header = headerOf(token)
    if (header?.kid === undefined || header.typ !== 'at+jwt') throw refuse.unauthenticated()
    const key = await options.keys.find(header.kid).catch((error: unknown) => {
      options.log.error({ error }, 'signing keys could not be had')
      throw refuse.unavailable()
    })
    if (key === undefined) throw refuse.unauthenticated()
    return identityOf(verify(token, key, options.issuer))
  }
}

function headerOf(token: string): jwt.JwtHeader | undefined {
  try {
    return jwt.decode(token, { complete: true })?.header
  } catch {
    return undefined
  }
}

function verify(token: string, key: jwt.PublicKey, issuer: string): unknown {
  try {
    return jwt.verify(token, key, {
      algorithms: [ALGORITHM],
      issuer,
      audience: AUDIENCE,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
    })
  } catch {
    throw refuse.unauthenticated()
  }
}

function identityOf(claims: unknown): Identity {
  const parsed = Claims.safeParse(claims)
  if (!parsed.success) throw refuse.unauthenticated()
  const { sub, exp, scope, sid } = parsed.data
  return {
    actor: { userId: sub, scopes: scope?.split(' ') ?? [] },
    sessionId: sid ?? null,
    expiresAtMs: (exp + CLOCK_TOLERANCE_SECONDS) * 1_000,
  }
}

import { UserId, limits } from '@parley/protocol'
import { z } from 'zod'
import type { Identity } from './identity.ts'
import type { ExternalIssuer } from './issuers.ts'
import type { RecognizedUsers } from './recognized-users.ts'
import { tokenType, type TokenParts } from './token-parts.ts'

/** What is asked of an issuer's tokens beyond a good signature, and how its claims are read. */
export interface TokenRules {
  readonly issuer: string
  readonly audience: string
  /** By its header, whether it may be an access token. */
  takes(token: Pick<TokenParts, 'type' | 'keyId'>): boolean
  /** Who the bearer is; undefined where the claims do not make an access token for Parley. */
  readClaims(claims: VerifiedClaims): Promise<Omit<Identity, 'expiresAtMs'> | undefined>
}

/** The times are whole numbers: seconds since 1970. */
type VerifiedClaims = Readonly<Record<string, unknown>> & { readonly iat: number; readonly exp: number }

const AUDIENCE = 'parley'
const SECOND_MS = 1_000

const TokenId = z.string().min(1).max(255)
/** RFC 6749, 3.3: words of visible ASCII with one space between. */
const Scope = z.string().regex(/^[!#-[\]-~]+( [!#-[\]-~]+)*$/)

const OwnClaims = z.object({
  sub: UserId,
  iat: z.int(),
  jti: TokenId,
  client_id: z.string().min(1),
  scope: Scope.optional(),
  sid: z.string().min(1).optional(),
  /** A service account's. */
  service: z.boolean().optional(),
})

/** Access tokens of Parley's own issuer (RFC 9068). */
export const ownTokenRules = (issuer: string): TokenRules => ({
  issuer,
  audience: AUDIENCE,
  takes: ({ type, keyId }) => type === 'at+jwt' && keyId !== undefined,
  async readClaims(claims) {
    const parsed = OwnClaims.safeParse(claims)
    if (!parsed.success) return undefined
    const { sub, iat, jti, scope, sid, service = false } = parsed.data
    return {
      actor: { userId: sub, scopes: scope?.split(' ') ?? [], ...(sid === undefined ? {} : { sessionId: sid }) },
      issuer,
      isService: service,
      sessionId: sid ?? null,
      tokenId: jti,
      issuedAtMs: iat * SECOND_MS,
    }
  },
})

const Subject = z.string().min(1).max(limits.subjectCharacters)

/** Access tokens of an external issuer. Its users are made here at first sight; its scopes mean nothing here, but one. */
export function externalTokenRules(configured: ExternalIssuer, users: RecognizedUsers): TokenRules {
  const { issuer, audience, claims: names, admin_scope: adminScope } = configured
  const types = new Set(configured.types.map((type) => (type === null ? undefined : tokenType(type))))
  const maxAgeSeconds = configured.max_age_hours * 60 * 60
  return {
    issuer,
    audience,
    takes: ({ type }) => types.has(type),
    async readClaims(claims) {
      if (claims.exp - claims.iat > maxAgeSeconds || !isAccessToken(claims)) return undefined
      const subject = Subject.safeParse(claims[names.user])
      // What cannot be read could not be revoked either.
      const session = Subject.nullish().safeParse(claims[names.session])
      const tokenId = TokenId.nullish().safeParse(claims['jti'])
      if (!subject.success || !session.success || !tokenId.success) return undefined
      const { userId, sessionId } = await users.recognize({
        issuer,
        subject: subject.data,
        displayName: textOf(claims[names.name]),
        avatarUrl: textOf(claims[names.picture]),
        session: session.data ?? null,
      })
      const isAdmin = adminScope !== undefined && wordsOf(claims[names.scope]).includes(adminScope)
      return {
        actor: { userId, scopes: isAdmin ? ['admin'] : [], ...(sessionId === null ? {} : { sessionId }) },
        issuer,
        isService: false,
        sessionId,
        tokenId: tokenId.data ?? null,
        issuedAtMs: claims.iat * SECOND_MS,
      }
    },
  }
}

/** What only ID tokens and logout tokens have. These say who has come to some app, or gone, and open nothing. */
const FOREIGN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events']
/** What issuers that sign tokens of several kinds alike call those for access: Amazon in `token_use`, Keycloak in `typ`. */
const ACCESS_KINDS = new Set<unknown>([undefined, 'access', 'bearer'])
const kindOf = (claim: unknown): unknown => (typeof claim === 'string' ? claim.toLowerCase() : claim)

const isAccessToken = (claims: VerifiedClaims): boolean =>
  FOREIGN_CLAIMS.every((name) => claims[name] === undefined) &&
  [claims['token_use'], claims['typ']].every((kind) => ACCESS_KINDS.has(kindOf(kind)))

const textOf = (claim: unknown): string | null => (typeof claim === 'string' && claim !== '' ? claim : null)

/** A list, or words between spaces: issuers do either. */
const wordsOf = (claim: unknown): unknown[] => (Array.isArray(claim) ? claim : (textOf(claim)?.split(' ') ?? []))

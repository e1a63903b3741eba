import { MAX_EXTERNAL_TOKEN_HOURS } from '@parley/contracts'
import { limits } from '@parley/protocol'
import { ConfigError } from '@parley/runtime'
import { z } from 'zod'

/** Algorithms with a public key. None with a shared secret: whoever can verify those can issue. */
const Algorithm = z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'])
export type Algorithm = z.infer<typeof Algorithm>

const claim = (standard: string) => z.string().min(1).max(100).default(standard)

/** Of what an address may have besides, nothing means anything here. */
const address = z
  .url({ protocol: /^https?$/ })
  .max(limits.urlCharacters)
  .refine((text) => {
    const url = URL.parse(text)
    return url?.username === '' && url.password === '' && url.hash === ''
  }, 'must be nothing but an address')

/** Whose tokens a gateway takes besides Parley's own, and how it reads them. */
const ExternalIssuer = z.strictObject({
  /** As it stands in tokens: compared letter by letter. */
  issuer: address.refine((text) => !text.includes('?'), 'must have no query'),
  /** What tokens for Parley have in `aud`. */
  audience: z.string().min(1),
  algorithms: z.array(Algorithm).min(1),
  /** By default the issuer's own discovery document says where its keys are. */
  jwks_url: address.optional(),
  /** Values of the header's `typ` that its access tokens may have, without regard to case; null where it has none. */
  types: z.array(z.string().nullable()).min(1).default(['at+jwt', 'JWT', null]),
  claims: z
    .strictObject({
      user: claim('sub'),
      name: claim('name'),
      picture: claim('picture'),
      session: claim('sid'),
      scope: claim('scope'),
    })
    .prefault({}),
  /** Whoever has this scope there has `admin` here. By default nobody has. */
  admin_scope: z.string().min(1).optional(),
  /** Tokens that are given for longer are refused: so long revocations are remembered. */
  max_age_hours: z.number().positive().max(MAX_EXTERNAL_TOKEN_HOURS).default(MAX_EXTERNAL_TOKEN_HOURS),
})
export type ExternalIssuer = z.infer<typeof ExternalIssuer>

/** `GATEWAY_ISSUERS`: a JSON array. */
export const GivenIssuers = z
  .string()
  .transform((json, context): unknown => {
    try {
      return JSON.parse(json)
    } catch {
      context.addIssue('it is not JSON')
      return z.NEVER
    }
  })
  .pipe(z.array(ExternalIssuer))
  .refine((issuers) => new Set(issuers.map(({ issuer }) => issuer)).size === issuers.length, 'an issuer stands twice')

/** Throws `ConfigError` for issuers that may not stand in this configuration. */
export function checkIssuers(
  issuers: readonly ExternalIssuer[],
  { development, publicUrl }: { development: boolean; publicUrl: string },
): void {
  for (const { issuer, jwks_url: jwksUrl = issuer } of issuers) {
    if (issuer === publicUrl) throw new ConfigError(`GATEWAY_ISSUERS is wrong: ${issuer} is Parley itself.`)
    const unsafe = [issuer, jwksUrl].find((url) => !isSafe(new URL(url), development))
    if (unsafe !== undefined) throw new ConfigError(`GATEWAY_ISSUERS is wrong: ${unsafe} must be https.`)
  }
}

/** Over plain http anyone on the way could put in keys of their own. In development, this machine is no way. */
const isSafe = ({ protocol, hostname }: URL, development: boolean): boolean =>
  protocol === 'https:' || (development && ['localhost', '127.0.0.1', '[::1]'].includes(hostname))

import type { Logger } from '@parley/runtime'
import { z } from 'zod'
import type { Calls } from '../calls-over.ts'
import { fetchJson } from './fetch-json.ts'
import type { ExternalIssuer } from './issuers.ts'
import { recognizeUsers } from './recognized-users.ts'
import { openSigningKeys } from './signing-keys.ts'
import { externalTokenRules, ownTokenRules } from './token-rules.ts'
import { createVerifyToken, type VerifyToken } from './verify-token.ts'

/** Who the bearers of tokens are: Parley's own, by the keys that `auth` serves, and those of external issuers. */
export interface Identities extends Disposable {
  readonly verifyToken: VerifyToken
  /** Resolves when Parley's own keys are there. A health check: that an external issuer is away says nothing of a gateway. */
  check(): Promise<void>
  /** By issuer, how long ago its keys were had from it; infinite where they never were. */
  readonly keyAgesSeconds: Readonly<Record<string, number>>
}

/** An own key that is taken back in an emergency is trusted for so long at most. */
const OWN_KEYS_EVERY_MS = 60_000
const EXTERNAL_KEYS_EVERY_MS = 10 * 60_000

const Discovered = z.object({ issuer: z.string(), jwks_uri: z.url() })

export function createIdentities(options: {
  authUrl: string
  publicUrl: string
  externalIssuers: readonly ExternalIssuer[]
  calls: { readonly auth: Pick<Calls['auth'], 'recognizeUser'> }
  log: Logger
  /** Milliseconds that only grow. */
  now?: () => number
}): Identities {
  const { authUrl, publicUrl, externalIssuers, calls, log, now = () => performance.now() } = options
  const common = { log, now }
  const keys = openSigningKeys({
    ...common,
    issuer: publicUrl,
    algorithms: ['RS256'],
    fetchKeySet: (signal) => fetchJson(`${authUrl}/oauth/jwks`, signal),
    refreshEveryMs: OWN_KEYS_EVERY_MS,
  })
  const users = recognizeUsers(calls.auth, common)
  const external = externalIssuers.map((configured) => ({
    keys: openSigningKeys({
      ...common,
      ...configured,
      fetchKeySet: (signal) => fetchExternalKeys(configured, signal),
      refreshEveryMs: EXTERNAL_KEYS_EVERY_MS,
    }),
    rules: externalTokenRules(configured, users),
  }))
  const all = [...external, { keys, rules: ownTokenRules(publicUrl) }]
  return {
    verifyToken: createVerifyToken({ issuers: all, now: Date.now }),
    check: () => keys.check(),
    get keyAgesSeconds() {
      return Object.fromEntries(all.map(({ keys: { ageSeconds }, rules }) => [rules.issuer, ageSeconds]))
    },
    [Symbol.dispose]() {
      for (const trusted of all) trusted.keys[Symbol.dispose]()
    },
  }
}

async function fetchExternalKeys({ issuer, jwks_url: url }: ExternalIssuer, signal: AbortSignal): Promise<unknown> {
  return fetchJson(url ?? (await discoverKeys(issuer, signal)), signal)
}

/** Where the issuer itself says that its keys are (OpenID Connect Discovery). Only the configuration leads to another host. */
async function discoverKeys(issuer: string, signal: AbortSignal): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const document = Discovered.parse(await fetchJson(url, signal))
  if (document.issuer !== issuer) throw new Error(`${url} is of ${document.issuer}`)
  if (new URL(document.jwks_uri).origin === new URL(issuer).origin) return document.jwks_uri
  throw new Error(
    `${url} names keys at another host, ${document.jwks_uri}: jwks_url has to name them in the configuration`,
  )
}

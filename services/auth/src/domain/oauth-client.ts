import { hash } from 'node:crypto'
import { limits, line } from '@parley/protocol'
import { z } from 'zod'
import { isLoopback } from './loopback.ts'

const ClientId = z.string().regex(/^[\w.-]{1,100}$/, 'must be 1 to 100 letters, digits, dots, dashes or underscores')

/** Whoever can read plain http on the way reads the code in it. On the own machine there is no way. */
const RedirectUri = z.url().refine((uri) => {
  const url = URL.parse(uri)
  return url !== null && (url.protocol !== 'http:' || isLoopback(url.hostname))
}, 'must be https, an own scheme, or http on the loopback interface')

/** An app of people. It is public: it has no secret, PKCE is what protects its codes. */
const AppClient = z.strictObject({
  client_id: ClientId,
  /** Shown on the pages. */
  client_name: z.string().min(1).max(100).optional(),
  /** `native` also stands for apps on the own machine: their loopback addresses match with any port. */
  application_type: z.enum(['web', 'native']).default('web'),
  redirect_uris: z.array(RedirectUri).min(1),
  post_logout_redirect_uris: z.array(RedirectUri).default([]),
  /** Parley's own: nobody is asked to consent to it. */
  first_party: z.boolean().default(true),
})
export type AppClient = z.infer<typeof AppClient>

/** What a service account can be allowed. People's tokens carry none of these, but admins' `admin`. */
export const SERVICE_SCOPES = ['chat:read', 'chat:write', 'admin'] as const

const MIN_SECRET_CHARACTERS = 32
const MAX_SECRETS = 2

/** A program that acts for itself. Two secrets are good at once, so that one can take the other's place without a gap. */
const ServiceAccount = z
  .strictObject({
    client_id: ClientId,
    /** The display name of its user. */
    client_name: line(limits.displayNameCharacters).optional(),
    grant_types: z.tuple([z.literal('client_credentials')]),
    client_secrets: z.array(z.string().min(MIN_SECRET_CHARACTERS)).default([]),
    /** The same as SHA-256 in hex, so that the configuration need not hold them. */
    client_secret_hashes: z.array(z.string().regex(/^[0-9a-f]{64}$/, 'must be SHA-256 in hex')).default([]),
    scope: z
      .string()
      .transform((scope) => scope.split(' '))
      .pipe(z.array(z.enum(SERVICE_SCOPES))),
  })
  .transform((account) => ({
    client_id: account.client_id,
    client_name: account.client_name,
    scopes: account.scope,
    secretHashes: [...account.client_secrets.map((secret) => hash('sha256', secret)), ...account.client_secret_hashes],
  }))
  .refine(
    ({ secretHashes: { length } }) => length >= 1 && length <= MAX_SECRETS,
    `must have 1 to ${MAX_SECRETS} secrets`,
  )
export type ServiceAccount = z.infer<typeof ServiceAccount>

/** A client by its metadata (RFC 7591 names). Who names `grant_types` is no app. */
export const OAuthClient = z.unknown().transform((given, context): AppClient | ServiceAccount => {
  const isApp = typeof given !== 'object' || given === null || !('grant_types' in given)
  const parsed = (isApp ? AppClient : ServiceAccount).safeParse(given)
  if (parsed.success) return parsed.data
  for (const { path, message } of parsed.error.issues) context.addIssue({ code: 'custom', path, message })
  return z.NEVER
})
export type OAuthClient = z.infer<typeof OAuthClient>

export const isServiceAccount = (client: OAuthClient): client is ServiceAccount => 'secretHashes' in client

const ownMachine = ['localhost', '127.0.0.1'].flatMap((host) =>
  ['', '/', '/callback'].map((path) => `http://${host}${path}`),
)

/** What a developer can use at once: any port of the own machine. */
export const developmentClient: AppClient = {
  client_id: 'parley-web',
  client_name: 'Parley',
  application_type: 'native',
  redirect_uris: ownMachine,
  post_logout_redirect_uris: ownMachine,
  first_party: true,
}

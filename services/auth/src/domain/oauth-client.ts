import { z } from 'zod'
import { isLoopback } from './loopback.ts'

/** Whoever can read plain http on the way reads the code in it. On the own machine there is no way. */
const RedirectUri = z.url().refine((uri) => {
  const url = URL.parse(uri)
  return url !== null && (url.protocol !== 'http:' || isLoopback(url.hostname))
}, 'must be https, an own scheme, or http on the loopback interface')

/** A public first-party client: it has no secret (PKCE is what protects its codes), and nobody is asked to consent to it. */
export const OAuthClient = z.strictObject({
  client_id: z.string().regex(/^[\w.-]{1,100}$/, 'must be 1 to 100 letters, digits, dots, dashes or underscores'),
  /** Shown on the sign-in page. */
  client_name: z.string().min(1).max(100).optional(),
  /** `native` also stands for apps on the own machine: their loopback addresses match with any port. */
  application_type: z.enum(['web', 'native']).default('web'),
  redirect_uris: z.array(RedirectUri).min(1),
  post_logout_redirect_uris: z.array(RedirectUri).default([]),
})
export type OAuthClient = z.infer<typeof OAuthClient>

const ownMachine = ['localhost', '127.0.0.1'].flatMap((host) =>
  ['', '/', '/callback'].map((path) => `http://${host}${path}`),
)

/** What a developer can use at once: any port of the own machine. */
export const developmentClient: OAuthClient = {
  client_id: 'parley-web',
  client_name: 'Parley',
  application_type: 'native',
  redirect_uris: ownMachine,
  post_logout_redirect_uris: ownMachine,
}

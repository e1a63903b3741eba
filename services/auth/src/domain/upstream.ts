import { z } from 'zod'
import { isLoopback } from './loopback.ts'

const SECRET_METHODS = ['client_secret_basic', 'client_secret_post'] as const

/** The own machine needs no TLS, and only a developer has an OpenID provider there. */
const issuer = (development: boolean) =>
  z.url({ protocol: /^https?$/ }).refine(
    (text) => {
      const url = URL.parse(text)
      return url?.protocol === 'https:' || (development && url !== null && isLoopback(url.hostname))
    },
    { error: development ? 'must be https, or http on the loopback interface' : 'must be https' },
  )

/** An OpenID Connect provider that people sign in with, and how we are registered there. */
export const Upstream = (options: { development: boolean }) =>
  z
    .strictObject({
      /** In the callback's path. */
      id: z
        .string()
        .max(40)
        .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be of lower-case letters, digits and single dashes'),
      /** On the button. */
      name: z.string().trim().min(1).max(50),
      issuer: issuer(options.development),
      client_id: z.string().min(1),
      client_secret: z.string().min(1).optional(),
      /** With a secret `client_secret_basic` when nothing is said. */
      token_endpoint_auth_method: z.enum([...SECRET_METHODS, 'none']).optional(),
      scope: z
        .string()
        .refine((scope) => scope.split(' ').includes('openid'), 'must contain openid')
        .default('openid profile'),
      /** What its claims are called. */
      claims: z
        .strictObject({ name: z.string().min(1).default('name'), picture: z.string().min(1).default('picture') })
        .prefault({}),
    })
    .refine(
      ({ client_secret: secret, token_endpoint_auth_method: method }) => (secret === undefined) === (method === 'none'),
      {
        error: 'needs either a client_secret or the token_endpoint_auth_method none',
      },
    )
export type Upstream = z.infer<ReturnType<typeof Upstream>>

export const Upstreams = (options: { development: boolean }) =>
  z.array(Upstream(options)).superRefine((upstreams, context) => {
    for (const [index, { id }] of upstreams.entries()) {
      if (upstreams.findIndex((other) => other.id === id) !== index)
        context.addIssue({ code: 'custom', path: [index, 'id'], message: 'is taken by another' })
    }
  })

import { readEnvironment, variables, type Environment } from '@parley/runtime'
import { z } from 'zod'
import { Admins } from './domain/admins.ts'
import { developmentClient, OAuthClient } from './domain/oauth-client.ts'
import { Upstreams } from './domain/upstream.ts'

export type Config = ReturnType<typeof readConfig>

const MIN_SECRET_CHARACTERS = 32

const json = <Schema extends z.ZodType>(schema: Schema) =>
  z.string().transform((text, context) => {
    try {
      const parsed = schema.safeParse(JSON.parse(text))
      if (parsed.success) return parsed.data
      for (const { path, message } of parsed.error.issues) context.addIssue(`${path.join('.')}: ${message}`)
    } catch {
      context.addIssue('it is not JSON')
    }
    return z.NEVER
  })

export function readConfig(environment: Environment) {
  const development = environment['PARLEY_ENV'] === 'development'
  const read = readEnvironment(
    'AUTH_',
    {
      PARLEY_ENV: variables.PARLEY_ENV,
      PARLEY_PUBLIC_URL: z.url({ protocol: /^https?$/ }),
      LOG_LEVEL: variables.LOG_LEVEL,
      HTTP_HOST: variables.HTTP_HOST,
      HTTP_PORT: variables.HTTP_PORT,
      NATS_URL: variables.NATS_URL,
      POSTGRES_URL: variables.POSTGRES_URL,
      /** What signs cookies and encrypts the signing keys in the database. The same for all instances. */
      AUTH_SECRET: z.string().min(MIN_SECRET_CHARACTERS),
      /** How long a key signs tokens before the next one does. */
      AUTH_SIGNING_KEY_DAYS: z.coerce.number().int().min(1).max(3_650).default(90),
      /** The OAuth clients, as a JSON array of their metadata (RFC 7591 names). */
      AUTH_CLIENTS: json(z.array(OAuthClient)).optional(),
      /** The OpenID Connect providers that people sign in with, as a JSON array. */
      AUTH_UPSTREAMS: json(Upstreams({ development })).optional(),
      /** The identities of administrators, as a JSON array. */
      AUTH_ADMINS: json(Admins({ development })).optional(),
    },
    environment,
  )
  const configured = read.AUTH_CLIENTS ?? []
  const isConfigured = configured.some(({ client_id: id }) => id === developmentClient.client_id)
  return {
    environment: read.PARLEY_ENV,
    logLevel: read.LOG_LEVEL,
    http: { host: read.HTTP_HOST, port: read.HTTP_PORT },
    natsUrl: read.NATS_URL,
    postgresUrl: read.POSTGRES_URL,
    /** The issuer of all tokens: where clients find the OAuth pages, which is the gateway. */
    publicUrl: new URL(read.PARLEY_PUBLIC_URL).origin,
    secret: read.AUTH_SECRET,
    signingKeyDays: read.AUTH_SIGNING_KEY_DAYS,
    upstreams: read.AUTH_UPSTREAMS ?? [],
    admins: read.AUTH_ADMINS ?? [],
    clients: development && !isConfigured ? [developmentClient, ...configured] : configured,
  }
}

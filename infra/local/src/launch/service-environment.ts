/** What a service can be told about. Everything is on the loopback interface. */
export interface Surroundings {
  readonly logLevel: string
  /** Where people reach Parley: the first gateway. */
  readonly publicUrl: string
  /** With a service's own user. */
  readonly natsUrl: (service: string) => string
  readonly redisUrl: (service: string) => string
  readonly s3: {
    readonly url: string
    readonly region: string
    readonly bucket: string
    readonly accessKeyId: string
    readonly secretAccessKey: string
  }
  /** The URL of a service's own role, which has a schema of its own. */
  readonly postgresUrl: (service: string) => string
  readonly port: (service: string) => number
  /** The same in every start, made in the first. */
  readonly secret: (name: string) => string
}

export type ServiceEnvironment = (it: Surroundings) => Readonly<Record<string, string>>

/** What every service is told. */
export const commonEnvironment: ServiceEnvironment = (it) => ({
  PARLEY_ENV: 'development',
  LOG_LEVEL: it.logLevel,
  HTTP_HOST: '127.0.0.1',
})

const s3Environment: ServiceEnvironment = ({ s3 }) => ({
  S3_ENDPOINT: s3.url,
  S3_PUBLIC_ENDPOINT: s3.url,
  S3_REGION: s3.region,
  S3_BUCKET: s3.bucket,
  AWS_ACCESS_KEY_ID: s3.accessKeyId,
  AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
})

/** What each service is told besides. */
export const serviceEnvironment = {
  auth: (it) => ({
    PARLEY_PUBLIC_URL: it.publicUrl,
    POSTGRES_URL: it.postgresUrl('auth'),
    AUTH_SECRET: it.secret('AUTH_SECRET'),
  }),
  messaging: (it) => ({
    POSTGRES_URL: it.postgresUrl('messaging'),
    REDIS_URL: it.redisUrl('messaging'),
  }),
  presence: (it) => ({
    POSTGRES_URL: it.postgresUrl('presence'),
    REDIS_URL: it.redisUrl('presence'),
  }),
  media: (it) => ({
    POSTGRES_URL: it.postgresUrl('media'),
    ...s3Environment(it),
  }),
  retention: (it) => ({
    POSTGRES_URL: it.postgresUrl('retention'),
    ...s3Environment(it),
  }),
  gateway: (it) => ({
    PARLEY_PUBLIC_URL: it.publicUrl,
    AUTH_URL: `http://127.0.0.1:${it.port('auth')}`,
    REDIS_URL: it.redisUrl('gateway'),
    GATEWAY_SECRET: it.secret('GATEWAY_SECRET'),
    // Nobody wants to wait after a Ctrl-C.
    GATEWAY_DRAIN_SECONDS: '1',
  }),
} satisfies Record<string, ServiceEnvironment>

/** Of the environment of `npm start`, what concerns any program. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS', 'HTTPS_PROXY', 'NO_PROXY']

/** Variables of the environment of `npm start` that go on to a service: general ones, and those with its own prefix. */
export function inheritedBy(
  kind: string,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const prefix = `${kind.toUpperCase()}_`
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value !== undefined && (INHERITED.includes(name) || name.startsWith(prefix)) ? [[name, value]] : [],
    ),
  )
}

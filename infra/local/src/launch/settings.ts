import type { S3Credentials } from '../servers/s3-server.ts'
import { StartProblem } from '../start-problem.ts'

/** What `process.env` looks like. Only `start.ts` reads the real one. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What a person can choose about `npm start`. */
export interface Settings {
  /** Of the first gateway; the second has the next one. */
  readonly port: number
  readonly logLevel: string
  readonly bucket: string
  /** Servers that run already. */
  readonly given: {
    readonly postgresUrl: string | undefined
    readonly redisUrl: string | undefined
    readonly natsUrl: string | undefined
    readonly s3: { readonly url: string; readonly region: string; readonly credentials: S3Credentials } | undefined
  }
}

const PORT = 8080
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']
const OWN_VARIABLES = ['PARLEY_PORT', 'PARLEY_ENV']

/** Says everything that is wrong at once, a sentence for each. */
export function readSettings(environment: Environment): Settings {
  const problems: string[] = []
  const read = (name: string): string | undefined => environment[name] || undefined
  const check = (name: string, isRight: (value: string) => boolean, rule: string): string | undefined => {
    const value = read(name)
    if (value !== undefined && !isRight(value)) problems.push(`${name} must be ${rule}.`)
    return value
  }
  const url = (name: string, ...protocols: string[]) =>
    check(
      name,
      (value) => protocols.includes(URL.parse(value)?.protocol ?? ''),
      `a URL that begins with ${protocols[0]}//`,
    )

  for (const name of Object.keys(environment)) {
    if (name.startsWith('PARLEY_') && !OWN_VARIABLES.includes(name))
      problems.push(`${name} is not a variable of npm start.`)
  }
  check('PARLEY_ENV', (value) => value === 'development', 'development or not set: npm start is for development')
  const port = check('PARLEY_PORT', isPort, 'a number from 1 to 65534')
  const logLevel = check('LOG_LEVEL', (value) => LOG_LEVELS.includes(value), `one of ${LOG_LEVELS.join(', ')}`)
  const settings = {
    port: Number(port ?? PORT),
    logLevel: logLevel ?? 'info',
    bucket: read('S3_BUCKET') ?? 'parley',
    given: {
      postgresUrl: url('POSTGRES_URL', 'postgres:', 'postgresql:'),
      redisUrl: url('REDIS_URL', 'redis:', 'rediss:'),
      natsUrl: url('NATS_URL', 'nats:', 'tls:'),
      s3: undefined as Settings['given']['s3'],
    },
  }
  const endpoint = url('S3_ENDPOINT', 'http:', 'https:')
  if (endpoint !== undefined) {
    const required = (name: string): string => {
      if (read(name) === undefined) problems.push(`${name} is missing: S3_ENDPOINT needs it.`)
      return read(name) ?? ''
    }
    const credentials = {
      accessKeyId: required('AWS_ACCESS_KEY_ID'),
      secretAccessKey: required('AWS_SECRET_ACCESS_KEY'),
    }
    settings.given.s3 = { url: endpoint, region: read('S3_REGION') ?? 'us-east-1', credentials }
  }
  if (problems.length > 0) throw new StartProblem(problems.join('\n'))
  return settings
}

const isPort = (value: string): boolean => /^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_534

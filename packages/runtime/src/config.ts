import { z } from 'zod'
import { withVariablesInFiles } from './variables-in-files.ts'

/** What `process.env` looks like. Only a service's `main.ts` reads the real one. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Says everything that is wrong with the environment at once, one line for each variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/**
 * Reads a service's configuration. All errors are reported together, and a variable that carries the service's own prefix
 * but is not in the schema stops the start: a typo would otherwise silently mean "default". What has no variables of its own
 * (`ownPrefix` is empty) minds only those of its schema. The value of each may stand in a file, which `<NAME>_FILE` names.
 */
export function readEnvironment<Shape extends z.ZodRawShape>(
  ownPrefix: string,
  shape: Shape,
  environment: Environment,
): z.output<z.ZodObject<Shape>> {
  const set = Object.entries(environment).filter((entry): entry is [string, string] => !!entry[1])
  const { values: given, problems: inFiles } = withVariablesInFiles(Object.keys(shape), Object.fromEntries(set))
  const parsed = z.object(shape).safeParse(given)
  const issues = parsed.error?.issues.filter(({ path }) => !inFiles.has(String(path[0]))) ?? []
  const problems = [...inFiles.values(), ...issues.map((issue) => describe(issue, given))]
  for (const name of Object.keys(given)) {
    if (ownPrefix !== '' && name.startsWith(ownPrefix) && !(name in shape))
      problems.push(`${name} is not a variable of this service.`)
  }
  if (problems.length > 0) throw new ConfigError(problems.join('\n'))
  return parsed.data as z.output<z.ZodObject<Shape>>
}

function describe(issue: z.core.$ZodIssue, given: Record<string, unknown>): string {
  const [name = '', ...within] = issue.path.map(String)
  const where = within.length === 0 ? '' : `${within.join('.')}: `
  return name in given ? `${name} is wrong: ${where}${issue.message}.` : `${name} is missing.`
}

const port = z.coerce.number().int().min(0).max(65_535)

/** The variables that mean the same in every service. A service picks those it needs. */
export const variables = {
  PARLEY_ENV: z.enum(['development', 'production']).default('production'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  HTTP_HOST: z.string().default('0.0.0.0'),
  HTTP_PORT: port.default(8080),
  NATS_URL: z.url({ protocol: /^(nats|tls)$/ }),
  POSTGRES_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }),
  /** How long the orchestrator waits between SIGTERM and SIGKILL. */
  TERMINATION_GRACE_SECONDS: z.coerce.number().int().min(3).max(3_600).default(30),
}

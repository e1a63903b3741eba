import { permissions, type Permissions } from './permissions.ts'

/**
 * The configuration of a nats-server with a user for each service, for outsiders (`observer`) and for people who run it
 * (`operator`). `passwordOf` says what stands for a user's password, as the configuration's syntax has it: by default a variable
 * of the server's environment. `unnamed` is the user who connects without a name; in production there is none.
 */
export function natsConfiguration({
  passwordOf = variableOf,
  unnamed,
}: {
  passwordOf?: (user: string) => string
  unnamed?: 'operator'
} = {}): string {
  const users = Object.entries(permissions()).map(([user, granted]) => userOf(user, granted, passwordOf(user)))
  return [
    '# Written by `pnpm --filter @parley/nats configuration`. What each user may do: infra/nats/README.md.',
    'jetstream: enabled',
    'authorization {',
    '  users: [',
    ...users,
    '  ]',
    '}',
    ...(unnamed === undefined ? [] : [`no_auth_user: ${unnamed}`]),
    '',
  ].join('\n')
}

const variableOf = (user: string): string => `$PARLEY_NATS_${user.toUpperCase()}_PASSWORD`

function userOf(user: string, { publish, subscribe }: Permissions, password: string): string {
  return [
    '    {',
    `      user: ${user}`,
    `      password: ${password}`,
    '      permissions: {',
    `        publish: ${listOf(publish)}`,
    `        subscribe: ${listOf(subscribe)}`,
    '      }',
    '    }',
  ].join('\n')
}

const listOf = (subjects: readonly string[]): string =>
  `[\n${subjects.map((subject) => `          ${JSON.stringify(subject)}`).join('\n')}\n        ]`

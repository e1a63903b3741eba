import { ConfigError, readEnvironment, variables } from '@parley/runtime'
import { expect, test } from 'vitest'
import { z } from 'zod'

const shape = {
  ...variables,
  KITCHEN_OVENS: z.coerce.number().int().min(1).default(2),
}
const enough = {
  NATS_URL: 'nats://127.0.0.1:4222',
  POSTGRES_URL: 'postgres://kitchen:secret@127.0.0.1/parley',
  REDIS_URL: 'redis://127.0.0.1:6379',
}

function problemsOf(environment: Record<string, string | undefined>): string[] {
  try {
    readEnvironment('KITCHEN_', shape, environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n')
    throw error
  }
}

test('what is not named has its default, and production is the default environment', () => {
  expect(readEnvironment('KITCHEN_', shape, enough)).toEqual({
    ...enough,
    PARLEY_ENV: 'production',
    TERMINATION_GRACE_SECONDS: 30,
    LOG_LEVEL: 'info',
    HTTP_HOST: '0.0.0.0',
    HTTP_PORT: 8080,
    KITCHEN_OVENS: 2,
  })
})

test('everything that is wrong is said at once, a line for each variable', () => {
  const problems = problemsOf({
    NATS_URL: 'http://127.0.0.1',
    POSTGRES_URL: undefined,
    REDIS_URL: '',
    HTTP_PORT: '99999',
    PARLEY_ENV: 'test',
    KITCHEN_OVENS: 'many',
    KITCHEN_OVEN: '3',
  })
  expect(problems).toHaveLength(7)
  expect(problems).toContain('POSTGRES_URL is missing.')
  expect(problems).toContain('REDIS_URL is missing.')
  expect(problems).toContain('KITCHEN_OVEN is not a variable of this service.')
  for (const name of ['NATS_URL', 'HTTP_PORT', 'PARLEY_ENV', 'KITCHEN_OVENS']) {
    expect(problems).toContainEqual(expect.stringMatching(new RegExp(`^${name} is wrong: `)))
  }
})

test('what is wrong is described without the value, which may be a secret', () => {
  expect(problemsOf({ ...enough, POSTGRES_URL: 'kitchen:hunter2' }).join()).not.toContain('hunter2')
})

test('variables of others are nobody’s business', () => {
  expect(problemsOf({ ...enough, PATH: '/bin', MESSAGING_X: '1' })).toEqual([])
})

test('what has no prefix of its own minds only the variables that it names', () => {
  expect(readEnvironment('', { NATS_URL: variables.NATS_URL }, { ...enough, PATH: '/bin' })).toEqual({
    NATS_URL: enough.NATS_URL,
  })
})

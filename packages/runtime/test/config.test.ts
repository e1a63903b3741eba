import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, readEnvironment, variables } from '@parley/runtime'
import { describe, expect, test } from 'vitest'
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

test('what is wrong inside of a variable is said with its place', () => {
  const list = z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.array(z.object({ ovens: z.int() })))
  const reading = () => readEnvironment('', { KITCHENS: list }, { KITCHENS: '[{"ovens":1},{"ovens":"two"}]' })
  expect(reading).toThrow(/^KITCHENS is wrong: 1\.ovens: /)
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

describe('a variable whose value is in a file', () => {
  const withFile = (content: string | Buffer, use: (path: string) => void) => {
    const directory = mkdtempSync(join(tmpdir(), 'parley-config-'))
    const path = join(directory, 'secret')
    writeFileSync(path, content)
    try {
      use(path)
    } finally {
      rmSync(directory, { recursive: true })
    }
  }

  test('is as if it stood there itself, without the line break at its end', () => {
    withFile('redis://:secret@127.0.0.1:6379\n', (path) => {
      const { REDIS_URL: _, ...others } = enough
      const read = readEnvironment('KITCHEN_', shape, { ...others, REDIS_URL_FILE: path, KITCHEN_OVENS_FILE: '' })
      expect(read.REDIS_URL).toBe('redis://:secret@127.0.0.1:6379')
    })
    withFile('3\r\n', (path) => {
      expect(readEnvironment('KITCHEN_', shape, { ...enough, KITCHEN_OVENS_FILE: path }).KITCHEN_OVENS).toBe(3)
    })
  })

  test('is refused when it stands there too, or the file is missing, empty or too large; no value is told', () => {
    const { REDIS_URL: _, ...others } = enough
    withFile('redis://:geheim@127.0.0.1:6379', (path) => {
      expect(problemsOf({ ...enough, REDIS_URL_FILE: path })).toEqual([
        'REDIS_URL and REDIS_URL_FILE are both there: one of them is enough.',
      ])
      expect(problemsOf({ ...others, REDIS_URL_FILE: `${path}-not` })).toEqual([
        'REDIS_URL_FILE is wrong: the file cannot be read (ENOENT).',
      ])
      expect(problemsOf({ ...others, NATS_URL: undefined, REDIS_URL_FILE: tmpdir() })).toEqual([
        'REDIS_URL_FILE is wrong: the file cannot be read (EISDIR).',
        'NATS_URL is missing.',
      ])
    })
    withFile('\n', (path) => {
      expect(problemsOf({ ...others, REDIS_URL_FILE: path })).toEqual(['REDIS_URL_FILE is wrong: the file is empty.'])
    })
    withFile('x'.repeat(70_000), (path) => {
      expect(problemsOf({ ...others, REDIS_URL_FILE: path })).toEqual([
        'REDIS_URL_FILE is wrong: the file has more than 65536 bytes.',
      ])
    })
    withFile('geheim', (path) => {
      expect(problemsOf({ ...others, REDIS_URL_FILE: path }).join()).not.toContain('geheim')
    })
  })

  test('must be one of the service', () => {
    expect(problemsOf({ ...enough, KITCHEN_SINKS_FILE: '/nowhere' })).toEqual([
      'KITCHEN_SINKS_FILE is not a variable of this service.',
    ])
  })
})

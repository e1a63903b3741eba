import { ConfigError } from '@parley/runtime'
import { expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'

const needed = { NATS_URL: 'nats://localhost', POSTGRES_URL: 'postgres://localhost/x', REDIS_URL: 'redis://localhost' }

test('what is not said has a default', () => {
  expect(readConfig(needed)).toMatchObject({ queue: { maxSends: 10_000 } })
})

test('all that is wrong is said at once, also a variable that does not exist', () => {
  const wrong = { ...needed, MESSAGING_QUEUE_BYTES: '0', MESSAGING_QUEUE_SENDS: 'many', MESSAGING_QUEUE: '1' }
  expect(() => readConfig(wrong)).toThrow(ConfigError)
  expect(() => readConfig(wrong)).toThrow(
    /MESSAGING_QUEUE_SENDS is wrong.*\n.*MESSAGING_QUEUE_BYTES is wrong.*\n.*MESSAGING_QUEUE is not a variable/,
  )
})

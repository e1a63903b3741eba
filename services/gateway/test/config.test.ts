import { ConfigError } from '@parley/runtime'
import { expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'
import { AFTER_DRAIN_MS } from '../src/stop-in-time.ts'

const environment = {
  PARLEY_PUBLIC_URL: 'https://chat.example',
  HTTP_HOST: '10.1.2.3',
  NATS_URL: 'nats://nats:4222',
  REDIS_URL: 'redis://redis:6379',
  AUTH_URL: 'http://auth:8080',
  GATEWAY_SECRET: 'a secret of at least 32 characters',
}

test('other gateways reach it where it is told, or where it listens', () => {
  expect(readConfig(environment).address).toBeUndefined()
  expect(readConfig({ ...environment, GATEWAY_ADDRESS: 'http://10.1.2.3:8080/' }).address).toBe('http://10.1.2.3:8080')
})

test.each(['0.0.0.0', '::', undefined])('listening everywhere (%s) is no address', (host) => {
  expect(() => readConfig({ ...environment, HTTP_HOST: host })).toThrow(ConfigError)
  const told = { ...environment, HTTP_HOST: host, GATEWAY_ADDRESS: 'http://10.1.2.3:8080' }
  expect(readConfig(told).address).toBe('http://10.1.2.3:8080')
})

test.each(['10.1.2.3:8080', 'ftp://10.1.2.3', 'nowhere'])('an address must be a URL: %s', (address) => {
  expect(() => readConfig({ ...environment, GATEWAY_ADDRESS: address })).toThrow(ConfigError)
})

test('a drain must fit into the grace period, with all that comes after it and 2 seconds to spare', () => {
  const times = (drain: string | undefined, grace: string | undefined) =>
    readConfig({ ...environment, GATEWAY_DRAIN_SECONDS: drain, TERMINATION_GRACE_SECONDS: grace }).drainMs
  const leastGraceSeconds = (drainSeconds: number) => drainSeconds + AFTER_DRAIN_MS / 1_000 + 2
  expect(times(undefined, undefined)).toBe(5_000)
  expect(times('120', String(leastGraceSeconds(120)))).toBe(120_000)
  expect(() => times('120', String(leastGraceSeconds(120) - 1))).toThrow(
    new ConfigError(
      `GATEWAY_DRAIN_SECONDS is 120, with which a stop may take ${120 + AFTER_DRAIN_MS / 1_000} seconds: ` +
        `TERMINATION_GRACE_SECONDS is ${leastGraceSeconds(120) - 1} and would have to be ${leastGraceSeconds(120)} at least.`,
    ),
  )
  expect(() => times('6', undefined)).toThrow(ConfigError)
  expect(() => times('601', '3600')).toThrow(ConfigError)
})

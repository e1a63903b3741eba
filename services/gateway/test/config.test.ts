import { ConfigError } from '@parley/runtime'
import { describe, expect, test } from 'vitest'
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

test('limits and proxies that cannot be read stop the start', () => {
  expect(readConfig({ ...environment, GATEWAY_LIMITS: '{"send":null}' }).limits.send).toEqual({ user: null })
  expect(() => readConfig({ ...environment, GATEWAY_LIMITS: '{"sends":null}' })).toThrow(/^GATEWAY_LIMITS is wrong/)
  expect(() => readConfig({ ...environment, GATEWAY_LIMITS: '{' })).toThrow(/^GATEWAY_LIMITS is wrong/)
  expect(readConfig(environment).trustedProxies).toBe(0)
  expect(readConfig({ ...environment, GATEWAY_TRUSTED_PROXIES: '10.0.0.0/8' }).trustedProxies).toEqual(['10.0.0.0/8'])
  expect(() => readConfig({ ...environment, GATEWAY_TRUSTED_PROXIES: 'all' })).toThrow(ConfigError)
})

describe('external issuers', () => {
  const issuer = { issuer: 'https://login.example/tenant', audience: 'parley', algorithms: ['RS256'] }
  const read = (issuers: unknown, more: object = {}) =>
    readConfig({
      ...environment,
      GATEWAY_ISSUERS: typeof issuers === 'string' ? issuers : JSON.stringify(issuers),
      ...more,
    }).externalIssuers

  test('are none unless they are given, and have defaults that give nothing away', () => {
    expect(readConfig(environment).externalIssuers).toEqual([])
    expect(read([issuer])).toEqual([
      {
        ...issuer,
        types: ['at+jwt', 'JWT', null],
        claims: { user: 'sub', name: 'name', picture: 'picture', session: 'sid', scope: 'scope' },
        max_age_hours: 24,
      },
    ])
  })

  test.each<[string, unknown, string]>([
    ['no JSON', '{', 'it is not JSON'],
    ['no list', issuer, 'expected array'],
    ['no audience', [{ ...issuer, audience: undefined }], '0.audience'],
    ['an empty audience', [{ ...issuer, audience: '' }], '0.audience'],
    ['no algorithm', [{ ...issuer, algorithms: [] }], '0.algorithms'],
    ['the algorithm none', [{ ...issuer, algorithms: ['none'] }], '0.algorithms.0'],
    ['an algorithm of secrets', [issuer, { ...issuer, algorithms: ['RS256', 'HS256'] }], '1.algorithms.1'],
    ['a misspelt name', [{ ...issuer, adminScope: 'admin' }], 'adminScope'],
    ['a misspelt claim', [{ ...issuer, claims: { subject: 'oid' } }], 'subject'],
    ['tokens for two days', [{ ...issuer, max_age_hours: 48 }], '0.max_age_hours'],
    ['no address', [{ ...issuer, issuer: 'login' }], '0.issuer'],
    ['an address with a password', [{ ...issuer, issuer: 'https://a:b@login.example' }], 'nothing but an address'],
    ['an address with a query', [{ ...issuer, issuer: 'https://login.example/?a' }], 'no query'],
    ['keys in a file', [{ ...issuer, jwks_url: 'file:///etc/keys' }], '0.jwks_url'],
    ['an issuer twice', [issuer, { ...issuer, audience: 'other' }], 'an issuer stands twice'],
    ['Parley itself', [{ ...issuer, issuer: 'https://chat.example' }], 'https://chat.example is Parley itself'],
    ['plain http', [{ ...issuer, issuer: 'http://login.example' }], 'http://login.example must be https'],
    ['keys over plain http', [{ ...issuer, jwks_url: 'http://k.example/k' }], 'http://k.example/k must be https'],
    ['this machine', [{ ...issuer, issuer: 'http://127.0.0.1:9000' }], 'http://127.0.0.1:9000 must be https'],
  ])('with %s stop the start', (_, issuers, sentence) => {
    const reading = () => read(issuers)
    expect(reading).toThrow(ConfigError)
    expect(reading).toThrow(/^GATEWAY_ISSUERS is wrong: /)
    expect(reading).toThrow(sentence)
  })

  test('may be on this machine in development, and nowhere else without https', () => {
    const development = { PARLEY_ENV: 'development' }
    for (const host of ['127.0.0.1:9000', 'localhost:9000', '[::1]:9000']) {
      expect(read([{ ...issuer, issuer: `http://${host}` }], development).length).toBe(1)
    }
    for (const host of ['10.0.0.1', 'login.example', 'localhost.example', '127.0.0.1.example']) {
      expect(() => read([{ ...issuer, issuer: `http://${host}` }], development)).toThrow('must be https')
    }
  })
})

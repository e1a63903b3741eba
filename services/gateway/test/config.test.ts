import { ConfigError } from '@parley/runtime'
import { expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'

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

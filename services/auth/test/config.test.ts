import { expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'
import { defaults } from './auth-system.ts'

const environment = { ...defaults, NATS_URL: 'nats://localhost', POSTGRES_URL: 'postgres://localhost/auth' }
const clients = (...list: object[]) => ({ ...environment, AUTH_CLIENTS: JSON.stringify(list) })
const app = { client_id: 'app', redirect_uris: ['https://app.example/callback'] }

test('the configured clients come besides the one of development, and take its place by its name', () => {
  const idsOf = (given: Record<string, string>) => readConfig(given).clients.map(({ client_id: id }) => id)
  expect(idsOf(environment)).toEqual(['parley-web'])
  expect(idsOf(clients(app))).toEqual(['parley-web', 'app'])
  expect(idsOf(clients({ ...app, client_id: 'parley-web' }))).toEqual(['parley-web'])
  expect(idsOf({ ...clients(app), PARLEY_ENV: 'production' })).toEqual(['app'])
  expect(idsOf({ ...environment, PARLEY_ENV: 'production' })).toEqual([])
})

test.each([
  ['no JSON', { ...environment, AUTH_CLIENTS: '[' }, 'AUTH_CLIENTS is wrong: it is not JSON.'],
  ['a client with a secret', clients({ ...app, client_secret: 'x' }), 'AUTH_CLIENTS is wrong: 0: Unrecognized key'],
  ['a client without redirect URIs', clients(app, { client_id: 'b' }), 'AUTH_CLIENTS is wrong: 1.redirect_uris:'],
  ['plain http on the network', clients({ ...app, redirect_uris: ['http://app.example/'] }), 'must be https'],
  ['a short secret', { ...environment, AUTH_SECRET: 'short' }, 'AUTH_SECRET is wrong'],
  ['a typo', { ...environment, AUTH_CLIENT: '[]' }, 'AUTH_CLIENT is not a variable of this service.'],
])('%s is refused with a sentence', (_, given, sentence) => {
  expect(() => readConfig(given)).toThrow(sentence)
})

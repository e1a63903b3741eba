import { expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'
import { defaults } from './auth-system.ts'

const environment = { ...defaults, NATS_URL: 'nats://localhost', POSTGRES_URL: 'postgres://localhost/auth' }
const clients = (...list: object[]) => ({ ...environment, AUTH_CLIENTS: JSON.stringify(list) })
const upstreams = (...list: object[]) => ({ ...environment, AUTH_UPSTREAMS: JSON.stringify(list) })
const google = {
  id: 'google',
  name: 'Google',
  issuer: 'https://accounts.google.com',
  client_id: 'x',
  client_secret: 'y',
}
const local = { ...google, issuer: 'http://localhost:8080/realms/parley' }
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

test('an upstream needs little, and the rest is what is usual', () => {
  expect(readConfig(environment).upstreams).toEqual([])
  const usual = { scope: 'openid profile', claims: { name: 'name', picture: 'picture' } }
  expect(readConfig(upstreams(google)).upstreams).toEqual([{ ...google, ...usual }])
  const { client_secret: _, ...open } = { ...local, token_endpoint_auth_method: 'none', claims: { name: 'nickname' } }
  expect(readConfig(upstreams(open)).upstreams).toMatchObject([{ claims: { name: 'nickname', picture: 'picture' } }])
})

test.each([
  ['an unknown property', upstreams({ ...google, secret: 'x' }), '0: Unrecognized key'],
  ['an unknown claim', upstreams({ ...google, claims: { email: 'email' } }), '0.claims: Unrecognized key'],
  ['two of the same id', upstreams(google, { ...local, id: 'google' }), '1.id: is taken by another'],
  ['an id that is no path', upstreams({ ...google, id: 'Goo/gle' }), '0.id: must be of lower-case letters'],
  [
    'plain http on the network',
    upstreams({ ...google, issuer: 'http://accounts.google.com' }),
    '0.issuer: must be https',
  ],
  ['plain http in production', { ...upstreams(local), PARLEY_ENV: 'production' }, '0.issuer: must be https.'],
  ['no secret', upstreams({ ...google, client_secret: undefined }), '0: needs either a client_secret'],
  ['a secret for nothing', upstreams({ ...google, token_endpoint_auth_method: 'none' }), '0: needs either'],
  ['a scope that is not of OpenID', upstreams({ ...google, scope: 'profile' }), '0.scope: must contain openid'],
])('an upstream with %s is refused with a sentence', (_, given, sentence) => {
  expect(() => readConfig(given)).toThrow(`AUTH_UPSTREAMS is wrong: ${sentence}`)
})

test('all that is wrong with upstreams is said at once', () => {
  const wrong = upstreams({ ...google, id: '' }, { ...google, issuer: 'ftp://x' })
  expect(() => readConfig(wrong)).toThrow(/0\.id: .*[^]*1\.issuer: /)
})

test('administrators are named by issuer and subject, and in production never without proof', () => {
  const admins = (issuer: string, more: object = {}) => ({
    ...environment,
    AUTH_ADMINS: JSON.stringify([{ issuer, subject: 'ann', ...more }]),
  })
  expect(readConfig(environment).admins).toEqual([])
  expect(readConfig(admins('parley:development')).admins).toEqual([{ issuer: 'parley:development', subject: 'ann' }])
  const inProduction = { PARLEY_ENV: 'production' }
  const real = { ...admins('https://accounts.google.com'), ...inProduction }
  expect(readConfig(real).admins).toEqual([{ issuer: 'https://accounts.google.com', subject: 'ann' }])
  const unproven = { ...admins('parley:development'), ...inProduction }
  expect(() => readConfig(unproven)).toThrow('AUTH_ADMINS is wrong: 0.issuer: must be https')
  expect(() => readConfig(admins('https://x.example', { email: 'ann@x.example' }))).toThrow('AUTH_ADMINS is wrong: 0:')
})

import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Algorithm } from './issuers.ts'
import { readVerificationKeys } from './verification-keys.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const weakRsa = generateKeyPairSync('rsa', { modulusLength: 1024 })
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' })
const bitcoin = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
const edwards = generateKeyPairSync('ed25519')

const jwk = (key: KeyObject, more: object = {}) => ({ ...key.export({ format: 'jwk' }), ...more })
const good = jwk(rsa.publicKey, { kid: 'good', alg: 'RS256', use: 'sig' })

const ALL: Algorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512']

async function read(keys: unknown[], algorithms = ALL): Promise<Record<string, readonly Algorithm[]>> {
  const found = await readVerificationKeys({ keys }, algorithms)
  return Object.fromEntries([...found].map(([id, key]) => [id, key.algorithms]))
}

test('a key is for the algorithm that it names, and otherwise for all that fit it and its issuer', async () => {
  expect(await read([good])).toEqual({ good: ['RS256'] })
  expect(await read([jwk(rsa.publicKey, { kid: 'any' })], ['RS256', 'PS512', 'ES256'])).toEqual({
    any: ['RS256', 'PS512'],
  })
  const curves = [
    jwk(p256.publicKey, { kid: '256' }),
    jwk(p384.publicKey, { kid: '384' }),
    jwk(p521.publicKey, { kid: '521' }),
  ]
  expect(await read(curves)).toEqual({ '256': ['ES256'], '384': ['ES384'], '521': ['ES512'] })
})

test.each<[string, unknown]>([
  ['is symmetric', { kty: 'oct', kid: 'bad', k: createSecretKey(Buffer.alloc(32)).export().toString('base64url') }],
  ['is symmetric and says otherwise', { kty: 'oct', kid: 'bad', alg: 'RS256', use: 'sig', k: 'AAAA' }],
  ['is weak', jwk(weakRsa.publicKey, { kid: 'bad', alg: 'RS256' })],
  ['is private', jwk(otherRsa.privateKey, { kid: 'bad', alg: 'RS256' })],
  ['is for encryption', jwk(otherRsa.publicKey, { kid: 'bad', use: 'enc' })],
  ['is for an algorithm of encryption', jwk(otherRsa.publicKey, { kid: 'bad', alg: 'RSA-OAEP' })],
  ['is for an algorithm of secrets', jwk(otherRsa.publicKey, { kid: 'bad', alg: 'HS256' })],
  ['is for no algorithm', jwk(otherRsa.publicKey, { kid: 'bad', alg: 'none' })],
  ['is of another type than its algorithm', jwk(otherRsa.publicKey, { kid: 'bad', alg: 'ES256' })],
  ['is on another curve than its algorithm', jwk(p384.publicKey, { kid: 'bad', alg: 'ES256' })],
  ['is on a curve that nothing here uses', jwk(bitcoin.publicKey, { kid: 'bad' })],
  ['is on an Edwards curve', jwk(edwards.publicKey, { kid: 'bad' })],
  ['lacks its number', { ...jwk(otherRsa.publicKey, { kid: 'bad' }), n: undefined }],
  ['has a number that is none', jwk(otherRsa.publicKey, { kid: 'bad', n: '!!' })],
  ['has a point that is not on its curve', jwk(p256.publicKey, { kid: 'bad', x: 'AAAA', y: 'AAAA' })],
  ['is of an unknown type', { kty: 'quantum', kid: 'bad' }],
  ['is of no type', { kid: 'bad' }],
  ['is null', null],
  ['is a text', 'key'],
  ['is a list', ['RSA']],
])('a key that %s is left out, and no other', async (_, key) => {
  expect(await read([key, good])).toEqual({ good: ['RS256'] })
  expect(await read([good, key])).toEqual({ good: ['RS256'] })
})

test('different keys with one id are left out, and no other; the same key twice is none', async () => {
  const same = jwk(rsa.publicKey, { kid: 'same' })
  expect(await read([same, jwk(otherRsa.publicKey, { kid: 'same' }), good], ['RS256'])).toEqual({ good: ['RS256'] })
  expect(await read([same, jwk(p256.publicKey, { kid: 'same' }), same, good], ['RS256', 'ES256'])).toEqual({
    good: ['RS256'],
  })
  expect(await read([same, same, good], ['RS256'])).toEqual({ same: ['RS256'], good: ['RS256'] })
  // What is not for us is not in the way.
  expect(await read([same, jwk(otherRsa.publicKey, { kid: 'same', use: 'enc' })], ['RS256'])).toEqual({
    same: ['RS256'],
  })
})

test('of keys without an id there can be one', async () => {
  expect(await read([jwk(rsa.publicKey)], ['RS256'])).toEqual({ '': ['RS256'] })
  expect(await read([jwk(rsa.publicKey, { kid: '' })], ['RS256'])).toEqual({ '': ['RS256'] })
  expect(await read([jwk(rsa.publicKey, { kid: 7 })], ['RS256'])).toEqual({ '': ['RS256'] })
  expect(await read([jwk(rsa.publicKey), jwk(otherRsa.publicKey)], ['RS256'])).toEqual({})
})

test('a set without any is empty, and what is no set is an error', async () => {
  expect(await read([])).toEqual({})
  expect(await read([null, { kty: 'oct' }])).toEqual({})
  for (const none of [null, [], {}, { keys: {} }, 'keys']) {
    await expect(readVerificationKeys(none, ALL)).rejects.toThrow()
  }
})

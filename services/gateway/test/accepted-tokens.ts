import { nowSeconds as now } from './forged-token.ts'
import { fromParts, ofLength, tokenOf, type TokenVariant } from './token-world.ts'

/** The number of points of P-256, and of its signatures that sign the same twice: with s and with n - s. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

const withHeader = (title: string, header: object): TokenVariant => [title, (world) => tokenOf(world, { header })]
const withClaims = (title: string, claims: () => object): TokenVariant => [
  title,
  (world) => tokenOf(world, { claims: claims() }),
]

export const acceptedEverywhere: readonly TokenVariant[] = [
  ['as it is', (world) => tokenOf(world)],
  withClaims('for 29 seconds after it has expired', () => ({ iat: now() - 600, exp: now() - 28 })),
  withClaims('when its issuer is ahead by less than 30 seconds', () => ({ iat: now() + 28, nbf: now() + 28 })),
  ['for us among others', (world) => tokenOf(world, { claims: { aud: ['others', world.audience] } })],
  withHeader('with its type in full', { typ: 'application/at+jwt' }),
  withHeader('with its type in capitals', { typ: 'AT+JWT' }),
  withHeader('with addresses of keys that nobody looks at', { jku: 'http://127.0.0.1:1', x5u: 'http://127.0.0.1:1' }),
  withHeader('with a key that nobody looks at', { jwk: { kty: 'oct', k: 'AA' }, x5t: 'abc', x5c: ['abc'] }),
  withClaims('with claims that nobody knows', () => ({ roles: ['any'], deep: { deeper: [{ sub: 'x' }] } })),
  withClaims('with the name of a claim inside of another one', () => ({ act: { sub: 'x', iss: 'y', exp: 1 } })),
  withClaims('with letters of all kinds in it', () => ({ note: 'ä "sub": "\\" \u2028 🙂 ' })),
  ['of as many characters as a token may have', (world) => ofLength(world, 8_190)],
  withClaims('of a session', () => ({ sid: 'session-1' })),
]

export const acceptedOfExternal: readonly TokenVariant[] = [
  withHeader('without a type, as some issuers have it', { typ: undefined }),
  withHeader('without a key id, while the issuer has one key', { kid: undefined }),
  withClaims('without a client or an id of its own', () => ({ client_id: undefined, jti: undefined })),
  withClaims('for 24 hours', () => ({ exp: now() + 24 * 60 * 60 })),
  withClaims('with scopes in a list', () => ({ scope: ['a', 'b'] })),
  withClaims('with an address for a subject', () => ({ sub: 'somebody@company.example' })),
  withClaims('that says that it is an access token', () => ({ token_use: 'access', typ: 'Bearer' })),
]

export const acceptedOfEcdsa: readonly TokenVariant[] = [
  [
    // Whoever has a token can make it: so revocations name tokens by their ids, and not by their letters.
    'with the other signature that comes to the same',
    (world) =>
      fromParts(world, ([header, payload, signature]) => {
        const bytes = Buffer.from(signature, 'base64url')
        const s = ORDER - BigInt(`0x${bytes.subarray(32).toString('hex')}`)
        const twin = Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')])
        return `${header}.${payload}.${twin.toString('base64url')}`
      }),
  ],
]

import { generateKeyPairSync } from 'node:crypto'
import { nowSeconds as now, signEc, signHmac, signPss, signRsa } from './forged-token.ts'
import { fromParts, ofLength, tokenOf, type TokenVariant, type TokenWorld } from './token-world.ts'

const sameCurve = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const otherCurve = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const bitcoinCurve = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })

const withHeader = (title: string, header: object | string): TokenVariant => [
  title,
  (world) => tokenOf(world, { header }),
]
const withClaims = (title: string, claims: (world: TokenWorld) => object | string | Buffer): TokenVariant => [
  title,
  (world) => tokenOf(world, { claims: claims(world) }),
]
/** One claim exactly as it is written here: `"exp":1e400`. */
const withMember = (title: string, member: string): TokenVariant => [
  title,
  (world) => {
    const [name = ''] = Object.keys(JSON.parse(`{${member}}`) as object)
    return tokenOf(world, {
      claims: JSON.stringify({ ...world.claims(), [name]: undefined }).replace('{', `{${member},`),
    })
  },
]
/** Something that is contradicted by what comes after it, where most readers believe the last. */
const withBoth = (title: string, member: (world: TokenWorld) => string): TokenVariant => [
  title,
  (world) => tokenOf(world, { claims: JSON.stringify(world.claims()).replace('{', `{${member(world)},`) }),
]
const withBothInHeader = (title: string, member: string): TokenVariant => [
  title,
  (world) => tokenOf(world, { header: JSON.stringify(world.header).replace('{', `{${member},`) }),
]
/** Signed by a stranger who would like the gateway to look for the key elsewhere. */
const foreign = (title: string, header: (world: TokenWorld) => object): TokenVariant => [
  title,
  (world) => tokenOf(world, { header: header(world), signature: world.signAsStranger }),
]
/** Signed by anybody who knows the public key, in one of the ways in which that can be written down. */
const signedByPublicKey = (title: string, secret: (world: TokenWorld) => string | Buffer, bits = 256): TokenVariant => [
  title,
  (world) => tokenOf(world, { header: { alg: `HS${bits}` }, signature: signHmac(secret(world), `sha${bits}`) }),
]
const resigned = (title: string, change: (signature: Buffer) => Buffer): TokenVariant => [
  title,
  (world) => tokenOf(world, { signature: (signed) => change(Buffer.from(world.sign(signed))) }),
]

const pemOf = ({ publicKey }: TokenWorld): string => publicKey.export({ type: 'spki', format: 'pem' }).toString()
const derOf = ({ publicKey }: TokenWorld): Buffer => publicKey.export({ type: 'spki', format: 'der' })
const jwkOf = ({ publicKey }: TokenWorld) => publicKey.export({ format: 'jwk' })
const numberIn = (world: TokenWorld): string => String(jwkOf(world).n ?? jwkOf(world).x)

const shapes: TokenVariant[] = [
  ['is a word', () => 'token'],
  ['is a ticket of nobody', () => 'ticket.abc.def'],
  ['is two dots', () => '..'],
  ['has parts that are nothing', () => 'x.y.z'],
  ['has two parts', (world) => fromParts(world, ([header, payload]) => `${header}.${payload}`)],
  ['has four parts', (world) => fromParts(world, (parts) => `${parts.join('.')}.${parts[2]}`)],
  ['ends with a dot', (world) => fromParts(world, (parts) => `${parts.join('.')}.`)],
  ['has five parts, as if encrypted', (world) => fromParts(world, (parts) => `${parts.join('.')}..${parts[1]}`)],
  ['has a space in it', (world) => fromParts(world, ([header, ...rest]) => [`${header} `, ...rest].join('.'))],
  ['begins with a space', (world) => ` ${tokenOf(world)}`],
  ['ends with a newline', (world) => `${tokenOf(world)}\n`],
  [
    'has a newline in its signature',
    (world) => fromParts(world, ([a, b, c]) => `${a}.${b}.${c.slice(0, 9)}\n${c.slice(9)}`),
  ],
  ['ends with NUL', (world) => `${tokenOf(world)}\0`],
  ['is padded', (world) => `${tokenOf(world)}=`],
  ['has a padded header', (world) => fromParts(world, ([header, ...rest]) => [`${header}==`, ...rest].join('.'))],
  ['is written in the other base64', (world) => fromParts(world, (parts) => otherBase64(parts).join('.'))],
  ['is not canonical', (world) => fromParts(world, ([a, b, c]) => `${a}.${b}.${notCanonical(c)}`)],
  ['is longer than a token may be', (world) => ofLength(world, 8_193)],
  ['stands twice', (world) => `${tokenOf(world)},${tokenOf(world)}`],
  ['is of letters beyond ASCII', (world) => `${tokenOf(world)}é`],
]

const headers: TokenVariant[] = [
  ['is unsigned', (world) => tokenOf(world, { header: { alg: 'none' }, signature: () => '' })],
  ['is unsigned, in another case', (world) => tokenOf(world, { header: { alg: 'nOnE' }, signature: () => '' })],
  withHeader('says "none" and is signed all the same', { alg: 'none' }),
  withHeader('says "NONE" and is signed all the same', { alg: 'NONE' }),
  withHeader('has an empty algorithm', { alg: '' }),
  withHeader('has no algorithm', { alg: undefined }),
  withHeader('has a list of algorithms', { alg: ['RS256', 'ES256'] }),
  withHeader('has an object for an algorithm', { alg: { RS256: true } }),
  withHeader('has null for an algorithm', { alg: null }),
  withHeader('has a number for an algorithm', { alg: 256 }),
  withHeader('has an algorithm in lower case', { alg: 'rs256' }),
  withHeader('names an algorithm of every object', { alg: 'constructor' }),
  withHeader('names an algorithm for encryption', { alg: 'RSA-OAEP', enc: 'A256GCM' }),
  signedByPublicKey('has an HMAC by the public key as PEM', (world) => pemOf(world)),
  signedByPublicKey('has an HMAC by the PEM without its last newline', (world) => pemOf(world).trimEnd()),
  signedByPublicKey('has an HMAC by the PEM with CRLF', (world) => pemOf(world).replaceAll('\n', '\r\n')),
  signedByPublicKey('has an HMAC by the DER', (world) => derOf(world)),
  signedByPublicKey('has an HMAC by the DER in base64', (world) => derOf(world).toString('base64')),
  signedByPublicKey('has an HMAC by the JWK', (world) => JSON.stringify(jwkOf(world))),
  signedByPublicKey('has an HMAC by the number in the key', (world) => numberIn(world)),
  signedByPublicKey('has an HMAC by the bytes of that', (world) => Buffer.from(numberIn(world), 'base64url')),
  signedByPublicKey('has a long HMAC by the public key', (world) => pemOf(world), 512),
  signedByPublicKey('has an HMAC by nothing', () => ''),
  [
    'has an HMAC by the public key and says otherwise',
    (world) => tokenOf(world, { signature: signHmac(pemOf(world)) }),
  ],
  withHeader('names an unknown key', { kid: 'key-of-nobody' }),
  withHeader('names a key with an empty id', { kid: '' }),
  withHeader('names a file for a key', { kid: '../../../../dev/null' }),
  withHeader('names a statement for a key', { kid: `' OR 1=1--` }),
  withHeader('names a URL for a key', { kid: 'http://127.0.0.1:1/key' }),
  withHeader('names a command for a key', { kid: '$(id)' }),
  withHeader('names a key of every object', { kid: '__proto__' }),
  withHeader('names a key of every map', { kid: 'constructor' }),
  withHeader('names a key with a very long id', { kid: 'k'.repeat(5_000) }),
  withHeader('has a list of keys', { kid: ['key-1', 'external-1'] }),
  withHeader('has null for a key', { kid: null }),
  withHeader('has a number for a key', { kid: 1 }),
  foreign('brings its own key', (world) => ({ jwk: world.strangersKey.export({ format: 'jwk' }) })),
  foreign('brings its own key and names it', (world) => ({
    kid: 'mine',
    jwk: { ...world.strangersKey.export({ format: 'jwk' }), kid: 'mine' },
  })),
  foreign('says where its keys are', () => ({ jku: 'http://127.0.0.1:1/keys' })),
  foreign('says where its certificate is', () => ({ x5u: 'http://127.0.0.1:1/certificate' })),
  foreign('brings a certificate', (world) => ({
    x5c: [world.strangersKey.export({ type: 'spki', format: 'der' }).toString('base64')],
  })),
  withHeader('has an extension that must be understood', { crit: ['exp'], exp: 1 }),
  withHeader('has no extension that must be understood, in a list', { crit: [] }),
  withHeader('is not encoded, as it says', { crit: ['b64'], b64: false }),
  withHeader('is not encoded, as it says in passing', { b64: false }),
  withHeader('is an ID token by its type', { typ: 'id_token+jwt' }),
  withHeader('is a logout token by its type', { typ: 'logout+jwt' }),
  withHeader('is a proof by its type', { typ: 'dpop+jwt' }),
  withHeader('has a list of types', { typ: ['at+jwt', 'JWT'] }),
  withHeader('has null for a type', { typ: null }),
  withHeader('has an empty type', { typ: '' }),
  withHeader('has a list for a header', '["RS256"]'),
  withHeader('has a text for a header', '"RS256"'),
  withHeader('has null for a header', 'null'),
  withHeader('has an empty header', '{}'),
  withHeader('has half a header', '{"alg":"RS256",'),
  withBothInHeader('says its algorithm twice', '"alg":"none"'),
  withBothInHeader('says its key twice', '"kid":"key-of-nobody"'),
]

const times: TokenVariant[] = [
  withClaims('never expires', () => ({ exp: undefined })),
  withClaims('has expired 31 seconds ago', () => ({ iat: now() - 600, exp: now() - 31 })),
  withClaims('has expired in 1970', () => ({ exp: 0 })),
  withClaims('has expired before 1970', () => ({ exp: -1 })),
  withClaims('expires in words', () => ({ exp: String(now() + 600) })),
  withClaims('expires within a second', () => ({ exp: now() + 600.5 })),
  withClaims('expires at null', () => ({ exp: null })),
  withClaims('expires at true', () => ({ exp: true })),
  withClaims('expires at a list', () => ({ exp: [now() + 600] })),
  withMember('expires at infinity', '"exp":1e400'),
  withMember('expires beyond all whole numbers', '"exp":9007199254740993'),
  withMember('expires at minus infinity', '"exp":-1e400'),
  withClaims('is good from the next hour on', () => ({ nbf: now() + 3_600 })),
  withClaims('is good from in 40 seconds on', () => ({ nbf: now() + 40 })),
  withClaims('is good from words on', () => ({ nbf: 'now' })),
  withClaims('is good from null on', () => ({ nbf: null })),
  withMember('is good from infinity on', '"nbf":1e400'),
  withMember('is good from minus infinity on', '"nbf":-1e400'),
  withClaims('was issued at no time', () => ({ iat: undefined })),
  withClaims('was issued in the next hour', () => ({ iat: now() + 3_600, exp: now() + 7_200 })),
  withClaims('was issued in 40 seconds', () => ({ iat: now() + 40 })),
  withClaims('was issued in words', () => ({ iat: String(now()) })),
  withClaims('was issued at null', () => ({ iat: null })),
  withMember('was issued before all time', '"iat":-1e400'),
]

const parties: TokenVariant[] = [
  withClaims('has no issuer', () => ({ iss: undefined })),
  withClaims('is of an unknown issuer', () => ({ iss: 'https://issuer.example' })),
  withClaims('has null for an issuer', () => ({ iss: null })),
  withClaims('has an empty issuer', () => ({ iss: '' })),
  withClaims('has an issuer of every object', () => ({ iss: '__proto__' })),
  withClaims('has a list of issuers', (world) => ({ iss: [world.issuer] })),
  withClaims('has an issuer with a slash more', (world) => ({ iss: `${world.issuer}/` })),
  withClaims('has an issuer with a letter less', (world) => ({ iss: world.issuer.slice(0, -1) })),
  withClaims('has an issuer that begins like it', (world) => ({ iss: `${world.issuer}.evil.example` })),
  withClaims('has its issuer in capitals', (world) => ({ iss: world.issuer.toUpperCase() })),
  withClaims('has its issuer with a space', (world) => ({ iss: `${world.issuer} ` })),
  withClaims('is said to be of another issuer', (world) => ({ iss: world.other().issuer })),
  [
    "is said to be of another issuer, by that one's key id",
    (world) =>
      tokenOf(world, {
        header: { kid: world.other().header['kid'], typ: world.other().header['typ'] },
        claims: { iss: world.other().issuer, aud: world.other().audience },
      }),
  ],
  ['is signed by another issuer', (world) => tokenOf(world, { signature: world.other().sign })],
  withBoth('says its issuer twice', (world) => `"iss":${JSON.stringify(world.other().issuer)}`),
  withClaims('is for nobody', () => ({ aud: undefined })),
  withClaims('is for another audience', () => ({ aud: 'other' })),
  withClaims('is for null', () => ({ aud: null })),
  withClaims('is for an empty list', () => ({ aud: [] })),
  withClaims('is for a list of others', () => ({ aud: ['other', 'another'] })),
  withClaims('is for a list in a list', (world) => ({ aud: [[world.audience]] })),
  withClaims('is for an object', (world) => ({ aud: { [world.audience]: true } })),
  withClaims('is for an audience with a letter less', (world) => ({ aud: world.audience.slice(0, -1) })),
  withClaims('is for an audience with a letter more', (world) => ({ aud: `${world.audience}2` })),
  withClaims('is for its audience in capitals', (world) => ({ aud: world.audience.toUpperCase() })),
  withClaims('is for two audiences in one text', (world) => ({ aud: `${world.audience} other` })),
  withBoth('says its audience twice', () => '"aud":"other"'),
]

const bearers: TokenVariant[] = [
  withClaims('has no subject', () => ({ sub: undefined })),
  withClaims('has an empty subject', () => ({ sub: '' })),
  withClaims('has null for a subject', () => ({ sub: null })),
  withClaims('has a number for a subject', () => ({ sub: 7 })),
  withClaims('has a list of subjects', () => ({ sub: ['alice'] })),
  withClaims('has an object for a subject', () => ({ sub: { $gt: '' } })),
  withClaims('has a very long subject', () => ({ sub: 'a'.repeat(300) })),
  withBoth('says its subject twice', () => '"sub":"00000000-0000-4000-8000-000000000000"'),
  withBoth('says its subject twice, once in escapes', () => '"\\u0073ub":"00000000-0000-4000-8000-000000000000"'),
  withClaims('has a number for a session', () => ({ sid: 7 })),
  withClaims('has an empty session', () => ({ sid: '' })),
  withClaims('has an object for a session', () => ({ sid: {} })),
  withClaims('has a number for an id', () => ({ jti: 7 })),
  withClaims('has an empty id', () => ({ jti: '' })),
  withClaims('has a text for its claims', () => '"claims"'),
  withClaims('has a list for its claims', () => '[{"sub":"alice"}]'),
  withClaims('has null for its claims', () => 'null'),
  withClaims('has a number for its claims', () => '7'),
  withClaims('has no claims', () => ''),
  withClaims('has half its claims', (world) => JSON.stringify(world.claims()).slice(0, -3)),
  withClaims('has claims that are not UTF-8', (world) => notUtf8(world)),
  withClaims('has claims of every object', () => '{"__proto__":{"iss":"a","sub":"b"}}'),
]

const signatures: TokenVariant[] = [
  ['has no signature', (world) => fromParts(world, ([header, payload]) => `${header}.${payload}.`)],
  ['is signed by a stranger', (world) => tokenOf(world, { signature: world.signAsStranger })],
  [
    'has the signature of another token',
    (world) => fromParts(world, ([header, payload]) => `${header}.${payload}.${tokenOf(world).split('.')[2]}`),
  ],
  [
    'was changed after it was signed',
    (world) => fromParts(world, ([header, , signature]) => `${header}.${tokenOf(world).split('.')[1]}.${signature}`),
  ],
  [
    'has a header that was changed after it was signed',
    (world) =>
      fromParts(world, ([, ...rest]) => [tokenOf(world, { header: { x: 1 } }).split('.')[0], ...rest].join('.')),
  ],
  resigned('has a signature with a bit turned', (signature) => Buffer.from(signature).fill(signature[9]! ^ 1, 9, 10)),
  resigned('has a signature with a byte less', (signature) => signature.subarray(0, -1)),
  resigned('has a signature with a byte more', (signature) => Buffer.concat([signature, Buffer.of(0)])),
  resigned('has a signature with a zero before it', (signature) => Buffer.concat([Buffer.of(0), signature])),
  resigned('has a signature of zeros', (signature) => Buffer.alloc(signature.length)),
  resigned('has a signature of ones', (signature) => Buffer.alloc(signature.length, 255)),
  resigned('has half its signature', (signature) => signature.subarray(0, signature.length / 2)),
  resigned('has its signature twice', (signature) => Buffer.concat([signature, signature])),
]

/** What no issuer may do. */
export const refusedEverywhere: readonly TokenVariant[] = [
  ...shapes,
  ...headers,
  ...times,
  ...parties,
  ...bearers,
  ...signatures,
]

/** What Parley's own issuer never does, where others may. */
export const refusedOfOwn: readonly TokenVariant[] = [
  withHeader('is an ID token by the usual type', { typ: 'JWT' }),
  withHeader('has no type', { typ: undefined }),
  withHeader('names no key', { kid: undefined }),
  withClaims('has a subject that is no user', () => ({ sub: 'alice' })),
  withClaims('has no id', () => ({ jti: undefined })),
  withClaims('is for no client', () => ({ client_id: undefined })),
  withClaims('is for an empty client', () => ({ client_id: '' })),
  withClaims('has a list of scopes', () => ({ scope: ['openid'] })),
  withClaims('has a number for a scope', () => ({ scope: 7 })),
  withClaims('has a scope of two spaces', () => ({ scope: 'openid  admin' })),
  withClaims('has a scope after a tab', () => ({ scope: 'openid\tadmin' })),
  withClaims('has a scope in quotes', () => ({ scope: '"admin"' })),
  withClaims('is of a service in words', () => ({ service: 'true' })),
  withHeader('is signed as RS256 and says PS256', { alg: 'PS256' }),
  [
    'is signed as RS512',
    (world) => tokenOf(world, { header: { alg: 'RS512' }, signature: signRsa(world.privateKey, 'sha512') }),
  ],
  ['is signed as PS256', (world) => tokenOf(world, { header: { alg: 'PS256' }, signature: signPss(world.privateKey) })],
]

export const refusedOfExternal: readonly TokenVariant[] = [
  withClaims('is an ID token, by its nonce', () => ({ nonce: 'n-1' })),
  withClaims('is an ID token, by the hash of an access token', () => ({ at_hash: 'abc' })),
  withClaims('is an ID token, by the hash of a code', () => ({ c_hash: 'abc' })),
  withClaims('is an ID token, by its use', () => ({ token_use: 'id' })),
  withClaims('is an ID token, by its kind', () => ({ typ: 'ID' })),
  withClaims('is a refresh token, by its kind', () => ({ typ: 'Refresh' })),
  withClaims('is a logout token, by its events', () => ({
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  })),
  withClaims('lives for longer than a day', () => ({ iat: now() - 10, exp: now() - 10 + 24 * 3_600 + 1 })),
  withClaims('was issued long ago and lives on', () => ({ iat: 0 })),
]

export const refusedOfRsa: readonly TokenVariant[] = [
  [
    'is signed with an elliptic curve and says so',
    (world) => tokenOf(world, { header: { alg: 'ES256' }, signature: signEc(sameCurve.privateKey) }),
  ],
  withHeader('is signed as RS256 and says ES256', { alg: 'ES256' }),
  withHeader('is signed as RS256 and says RS512', { alg: 'RS512' }),
  [
    'is signed as RS384, which the issuer does not use',
    (world) => tokenOf(world, { header: { alg: 'RS384' }, signature: signRsa(world.privateKey, 'sha384') }),
  ],
]

/** The number of points of P-256: a signature's parts must be below it. */
const ORDER = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')
const half = (signature: Buffer, which: 'r' | 's'): Buffer =>
  which === 'r' ? signature.subarray(0, 32) : signature.subarray(32)

export const refusedOfEcdsa: readonly TokenVariant[] = [
  withHeader('is signed as ES256 and says ES384', { alg: 'ES384' }),
  withHeader('is signed as ES256 and says RS256', { alg: 'RS256' }),
  ['is signed on another curve', (world) => tokenOf(world, { signature: signEc(otherCurve.privateKey) })],
  [
    'is signed on another curve and says so',
    (world) =>
      tokenOf(world, { header: { alg: 'ES384' }, signature: signEc(otherCurve.privateKey, { digest: 'sha384' }) }),
  ],
  ['is signed on a curve of the same size', (world) => tokenOf(world, { signature: signEc(bitcoinCurve.privateKey) })],
  resigned('has r = 0', (signature) => Buffer.concat([Buffer.alloc(32), half(signature, 's')])),
  resigned('has s = 0', (signature) => Buffer.concat([half(signature, 'r'), Buffer.alloc(32)])),
  resigned('has r = n and s = n', () => Buffer.concat([ORDER, ORDER])),
  resigned('has r and s the wrong way round', (signature) =>
    Buffer.concat([half(signature, 's'), half(signature, 'r')]),
  ),
  resigned('has its signature as DER', derSignature),
]

/** As OpenSSL writes it. */
function derSignature(signature: Buffer): Buffer {
  const integer = (part: Buffer): Buffer => {
    const body = part[0]! >= 128 ? Buffer.concat([Buffer.of(0), part]) : part
    return Buffer.concat([Buffer.of(2, body.length), body])
  }
  const both = Buffer.concat([integer(half(signature, 'r')), integer(half(signature, 's'))])
  return Buffer.concat([Buffer.of(0x30, both.length), both])
}

function notUtf8(world: TokenWorld): Buffer {
  const text = Buffer.from(JSON.stringify({ ...world.claims(), name: '??' }))
  text.set([0xc3, 0x28], text.indexOf('??'))
  return text
}

/** In it at least one of the two letters that differ. */
function otherBase64(parts: readonly string[]): string[] {
  const [header = '', payload = '', signature = ''] = parts
  const other = (text: string): string => text.replaceAll('-', '+').replaceAll('_', '/')
  return [header, payload, /[-_]/.test(signature) ? other(signature) : `+${signature.slice(1)}`]
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The same bytes in other letters: the last one has bits that say nothing. Revocation must not go by a token's letters. */
const notCanonical = (part: string): string => part.slice(0, -1) + LETTERS[LETTERS.indexOf(part.at(-1)!) | 1]

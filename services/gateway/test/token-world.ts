import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import type { ExternalIssuer } from './external-issuer.ts'
import { forge, goodClaims, signEc, signRsa, type Forgery } from './forged-token.ts'
import type { TestIssuer } from './test-issuer.ts'

/** An issuer whose tokens the gateway takes, with all that is needed to make some that are nearly good. */
export interface TokenWorld {
  readonly name: string
  readonly issuer: string
  readonly audience: string
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
  readonly sign: NonNullable<Forgery['signature']>
  /** As a stranger signs, with a key of the same kind. */
  readonly signAsStranger: NonNullable<Forgery['signature']>
  readonly strangersKey: KeyObject
  /** Of a good token. */
  readonly header: Readonly<Record<string, unknown>>
  claims(): Record<string, unknown>
  /** Another issuer whose tokens the gateway takes. */
  readonly other: () => TokenWorld
}

const AUDIENCE = 'parley'
const rsaStranger = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ecStranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const asRsaStranger = { signAsStranger: signRsa(rsaStranger.privateKey), strangersKey: rsaStranger.publicKey }
const asEcStranger = { signAsStranger: signEc(ecStranger.privateKey), strangersKey: ecStranger.publicKey }

export const ownWorld = (
  name: string,
  { url, issuer }: { url: string; issuer: Pick<TestIssuer, 'publicKey' | 'privateKey'> },
  other: () => TokenWorld,
): TokenWorld => ({
  name,
  issuer: url,
  audience: AUDIENCE,
  publicKey: issuer.publicKey,
  privateKey: issuer.privateKey,
  sign: signRsa(issuer.privateKey),
  ...asRsaStranger,
  header: { alg: 'RS256', typ: 'at+jwt', kid: 'key-1' },
  claims: () => goodClaims(url, { sub: randomUUID() }),
  other,
})

export const externalWorld = (
  name: string,
  external: Pick<ExternalIssuer, 'url' | 'key' | 'publicKey' | 'keyId' | 'algorithm'>,
  other: () => TokenWorld,
): TokenWorld => ({
  name,
  issuer: external.url,
  audience: AUDIENCE,
  publicKey: external.publicKey,
  privateKey: external.key,
  ...(external.algorithm === 'RS256'
    ? { sign: signRsa(external.key), ...asRsaStranger }
    : { sign: signEc(external.key), ...asEcStranger }),
  header: { alg: external.algorithm, typ: 'JWT', kid: external.keyId },
  claims: () => goodClaims(external.url, { sub: `somebody ${randomUUID()}` }),
  other,
})

/** What is wrong with a token, or what is not, and such a token. */
export type TokenVariant = readonly [title: string, token: (world: TokenWorld) => string]

/** Well signed. What is named differs from a good one, or is left out where it is undefined; texts stand for the whole part. */
export function tokenOf(
  world: TokenWorld,
  {
    header = {},
    claims = {},
    signature = world.sign,
  }: { header?: object | string; claims?: object | string | Buffer; signature?: Forgery['signature'] } = {},
): string {
  return forge({
    header: typeof header === 'string' ? header : { ...world.header, ...header },
    payload: typeof claims === 'string' || Buffer.isBuffer(claims) ? claims : { ...world.claims(), ...claims },
    signature: signature ?? world.sign,
  })
}

/** A good token with its parts changed after it was signed. */
export const fromParts = (world: TokenWorld, change: (parts: [string, string, string]) => string): string =>
  change(tokenOf(world).split('.') as [string, string, string])

/** Well signed, and of so many characters or up to two more. */
export function ofLength(world: TokenWorld, characters: number): string {
  const missing = characters - tokenOf(world, { claims: { filler: '' } }).length
  return tokenOf(world, { claims: { filler: 'x'.repeat(Math.ceil((missing * 3) / 4)) } })
}

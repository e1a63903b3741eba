import { createPublicKey, generateKeyPair, randomUUID, type KeyObject, type webcrypto } from 'node:crypto'
import { promisify } from 'node:util'
import { insertFirstSigningKey, listSigningKeys, type StoredSigningKey } from '../store/signing-keys.ts'
import type { Db } from '../store/tables.ts'
import { deriveKey, seal, unseal } from './secrets.ts'

export const SIGNING_ALGORITHM = 'RS256'

const MODULUS_BITS = 2_048

type SigningJwk = webcrypto.JsonWebKey & { kid: string }

/** The keys that sign tokens. All instances have the same: they stand in the database, encrypted with `AUTH_SECRET`. */
export interface SigningKeys {
  /** With their private parts. The first signs; all are published. */
  readonly jwks: readonly SigningJwk[]
  publicKeyOf(keyId: string): KeyObject | undefined
}

/** Makes the first key when there is none; instances that do so at once end up with the same one. */
export async function openSigningKeys(db: Db, secret: string): Promise<SigningKeys> {
  const sealingKey = deriveKey(secret, 'signing-keys')
  let stored = await listSigningKeys(db)
  if (stored.length === 0) {
    await insertFirstSigningKey(db, await makeSigningKey(sealingKey))
    stored = await listSigningKeys(db)
  }
  const jwks = stored.map((key) => unsealJwk(sealingKey, key))
  const publicKeys = new Map(jwks.map((key) => [key.kid, createPublicKey({ key, format: 'jwk' })]))
  return { jwks, publicKeyOf: (keyId) => publicKeys.get(keyId) }
}

async function makeSigningKey(sealingKey: Buffer): Promise<StoredSigningKey> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: MODULUS_BITS })
  const id = randomUUID()
  return { id, sealedPrivateKey: seal(sealingKey, id, JSON.stringify(privateKey.export({ format: 'jwk' }))) }
}

function unsealJwk(sealingKey: Buffer, { id, sealedPrivateKey }: StoredSigningKey): SigningJwk {
  try {
    const jwk = JSON.parse(unseal(sealingKey, id, sealedPrivateKey)) as webcrypto.JsonWebKey
    return { ...jwk, kid: id, alg: SIGNING_ALGORITHM, use: 'sig' }
  } catch (cause) {
    throw new Error(
      'the signing keys in the database do not open: AUTH_SECRET is not the one they were encrypted with',
      { cause },
    )
  }
}

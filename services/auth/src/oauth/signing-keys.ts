import { createPublicKey, generateKeyPair, randomUUID, type KeyObject, type webcrypto } from 'node:crypto'
import { promisify } from 'node:util'
import {
  insertDueSigningKey,
  insertSigningKey,
  isSigningKeyDue,
  listSigningKeys,
  replaceSigningKeys,
  type StoredSigningKey,
} from '../store/signing-keys.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { Db, DbTransaction } from '../store/tables.ts'
import { KEY_AHEAD_SECONDS } from './lifetimes.ts'
import { deriveKey, seal, unseal } from './secrets.ts'

export const SIGNING_ALGORITHM = 'RS256'

const MODULUS_BITS = 2_048
const DAY_SECONDS = 24 * 60 * 60

type SigningJwk = webcrypto.JsonWebKey & { kid: string }

/** The keys of one time. */
export interface SigningKeys {
  /** With their private parts. The first signs; all are published. */
  readonly jwks: readonly SigningJwk[]
  publicKeyOf(keyId: string): KeyObject | undefined
}

/** The keys that sign tokens. All instances have the same: they stand in the database, encrypted with `AUTH_SECRET`. */
export class SigningKeyStore {
  readonly #db: Db
  readonly #sealingKey: Buffer
  readonly #audit: AuditLog

  constructor(db: Db, secret: string, audit: AuditLog) {
    this.#db = db
    this.#audit = audit
    this.#sealingKey = deriveKey(secret, 'signing-keys')
  }

  /** Those of now: `known` itself while they are the same. */
  async read(known?: SigningKeys): Promise<SigningKeys> {
    const stored = await listSigningKeys(this.#db)
    const isSame = known?.jwks.length === stored.length && stored.every(({ id }, i) => known.jwks[i]?.kid === id)
    if (known !== undefined && isSame) return known
    const jwks = stored.map((key) => this.#open(key))
    const publicKeys = new Map(jwks.map((key) => [key.kid, createPublicKey({ key, format: 'jwk' })]))
    return { jwks, publicKeyOf: (keyId) => publicKeys.get(keyId) }
  }

  /** Adds the next key when it is time for it, and says whether it did. Of instances that do so at once, one does. */
  async addWhenDue(afterDays: number): Promise<boolean> {
    const times = { afterSeconds: afterDays * DAY_SECONDS, aheadSeconds: KEY_AHEAD_SECONDS }
    if (!(await isSigningKeyDue(this.#db, times))) return false
    const key = await this.#make()
    return await this.#db.transaction().execute(async (transaction) => {
      const isAdded = await insertDueSigningKey(transaction, key, times)
      if (isAdded) await this.#note(transaction, key, 'due')
      return isAdded
    })
  }

  /** Adds the next key now: it signs in `KEY_AHEAD_SECONDS`, and nobody notices. */
  async add(): Promise<string> {
    const key = await this.#make()
    await this.#db.transaction().execute(async (transaction) => {
      await insertSigningKey(transaction, key, KEY_AHEAD_SECONDS)
      await this.#note(transaction, key, 'by_hand')
    })
    return key.id
  }

  /** For a key that someone else has: all keys make way for a new one. Access tokens must be renewed; nobody is signed out. */
  async replaceAll(): Promise<string> {
    const key = await this.#make()
    await this.#db.transaction().execute(async (transaction) => {
      await replaceSigningKeys(transaction, key)
      await this.#note(transaction, key, 'at_once')
    })
    return key.id
  }

  async #note(
    transaction: DbTransaction,
    { id: keyId }: StoredSigningKey,
    reason: 'due' | 'by_hand' | 'at_once',
  ): Promise<void> {
    const entry = { action: 'key-rotated', actorId: null, userId: null, details: { keyId, reason } }
    await this.#audit.record(entry, transaction)
  }

  async #make(): Promise<StoredSigningKey> {
    const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: MODULUS_BITS })
    const id = randomUUID()
    return { id, sealedPrivateKey: seal(this.#sealingKey, id, JSON.stringify(privateKey.export({ format: 'jwk' }))) }
  }

  #open({ id, sealedPrivateKey }: StoredSigningKey): SigningJwk {
    try {
      const jwk = JSON.parse(unseal(this.#sealingKey, id, sealedPrivateKey)) as webcrypto.JsonWebKey
      return { ...jwk, kid: id, alg: SIGNING_ALGORITHM, use: 'sig' }
    } catch (cause) {
      throw new Error(
        'the signing keys in the database do not open: AUTH_SECRET is not the one they were encrypted with',
        { cause },
      )
    }
  }
}

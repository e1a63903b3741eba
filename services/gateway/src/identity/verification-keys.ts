import { createPublicKey, type KeyObject } from 'node:crypto'
import { JwksClient, JwksError, type SigningKey } from 'jwks-rsa'
import { z } from 'zod'
import type { Algorithm } from './issuers.ts'

/** A key of an issuer, and the algorithms whose signatures it may verify. */
export interface VerificationKey {
  readonly key: KeyObject
  readonly algorithms: readonly Algorithm[]
}

const MIN_RSA_BITS = 2_048
const curves: Readonly<Partial<Record<Algorithm, string>>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
}
/** What stands for a key that has no id. */
export const NO_KEY_ID = ''

const KeySet = z.object({ keys: z.array(z.unknown()) })

/**
 * The keys of a JWKS by their ids. Those that are not for us are left out: broken or symmetric ones, such as are too weak, or
 * for none of the issuer's algorithms. Of different keys with one id all are: nobody could tell which one a token means.
 */
export async function readVerificationKeys(
  keySet: unknown,
  algorithms: readonly Algorithm[],
): Promise<Map<string, VerificationKey>> {
  const { keys } = KeySet.parse(keySet)
  const read = new Map<string, VerificationKey>()
  const ambiguous = new Set<string>()
  for (const signingKey of await signingKeysIn(keys)) {
    const key = createPublicKey(signingKey.getPublicKey())
    const own = algorithms.filter((algorithm) => isFor(key, algorithm) && (signingKey.alg ?? algorithm) === algorithm)
    if (own.length === 0) continue
    const id = signingKey.kid ?? NO_KEY_ID
    if (read.get(id)?.key.equals(key) === false) ambiguous.add(id)
    read.set(id, { key, algorithms: own })
  }
  for (const id of ambiguous) read.delete(id)
  return read
}

/** The library reads them; nothing is fetched by it. */
async function signingKeysIn(keys: unknown[]): Promise<SigningKey[]> {
  const readable = keys.filter((key) => typeof key === 'object' && key !== null)
  const client = new JwksClient({ jwksUri: '', cache: false, fetcher: async () => ({ keys: readable }) })
  try {
    return await client.getSigningKeys()
  } catch (error) {
    // That there are none.
    if (error instanceof JwksError) return []
    throw error
  }
}

function isFor({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject, algorithm: Algorithm): boolean {
  const curve = curves[algorithm]
  if (curve !== undefined) return type === 'ec' && details?.namedCurve === curve
  return type === 'rsa' && (details?.modulusLength ?? 0) >= MIN_RSA_BITS
}

import { constants, createHmac, randomUUID, sign, type KeyObject } from 'node:crypto'

/** A token of any shape: every part can be what no library would write. */
export interface Forgery {
  readonly header: unknown
  readonly payload: unknown
  /** Bytes over what the two come to; by default the issuer's own signature. */
  readonly signature?: (signed: string) => Buffer | string
}

const part = (value: unknown): string =>
  (Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))).toString(
    'base64url',
  )

export function forge({ header, payload, signature = () => '' }: Forgery): string {
  const signed = `${part(header)}.${part(payload)}`
  const bytes = signature(signed)
  return `${signed}.${typeof bytes === 'string' ? bytes : bytes.toString('base64url')}`
}

export const signRsa =
  (key: KeyObject, digest = 'sha256') =>
  (signed: string): Buffer =>
    sign(digest, Buffer.from(signed), key)

export const signPss =
  (key: KeyObject) =>
  (signed: string): Buffer => {
    const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants
    return sign('sha256', Buffer.from(signed), { key, padding, saltLength })
  }

/** As JOSE has it: r and s one behind the other; `der` is what other protocols have. */
export const signEc =
  (key: KeyObject, { digest = 'sha256', encoding = 'ieee-p1363' as 'ieee-p1363' | 'der' } = {}) =>
  (signed: string): Buffer =>
    sign(digest, Buffer.from(signed), { key, dsaEncoding: encoding })

export const signHmac =
  (secret: string | Buffer, digest = 'sha256') =>
  (signed: string): Buffer =>
    createHmac(digest, secret).update(signed).digest()

export const nowSeconds = (): number => Math.floor(Date.now() / 1_000)

/** Claims of a good access token, for one who has none of them wrong. */
export const goodClaims = (issuer: string, differences: Record<string, unknown> = {}): Record<string, unknown> => ({
  iss: issuer,
  aud: 'parley',
  iat: nowSeconds(),
  exp: nowSeconds() + 600,
  jti: randomUUID(),
  client_id: 'test',
  ...differences,
})

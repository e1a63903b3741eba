import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Signs JSON web tokens and reads its own: HS256, with a key that nobody else has. */
export interface WebTokens {
  mint(subject: string): string
  /** The subject of a token of ours that is still good. */
  subjectOf(token: string | undefined): string | undefined
}

const HEADER = encode({ alg: 'HS256', typ: 'JWT' })

export function createWebTokens(lifetimeMs: number): WebTokens {
  const key = randomBytes(32)
  const sign = (text: string) => createHmac('sha256', key).update(text).digest()

  return {
    mint(subject) {
      const text = `${HEADER}.${encode({ sub: subject, exp: (Date.now() + lifetimeMs) / 1_000 })}`
      return `${text}.${sign(text).toString('base64url')}`
    },
    subjectOf(token = '') {
      const [header, claims = '', signature = ''] = token.split('.')
      const given = Buffer.from(signature, 'base64url')
      const expected = sign(`${header}.${claims}`)
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
      const { sub, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString())
      return exp * 1_000 > Date.now() ? String(sub) : undefined
    },
  }
}

function encode(claims: object): string {
  return Buffer.from(JSON.stringify(claims)).toString('base64url')
}

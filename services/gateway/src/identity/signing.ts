import { createHmac, timingSafeEqual } from 'node:crypto'

/** Texts that only a gateway can have written. */
export interface Signing {
  /** The text, a dot and its signature. */
  sign(text: string): string
  /** The text, if its signature is right. */
  read(signed: string): string | undefined
}

/** All gateways have the secret. What was signed for one purpose is worth nothing for another. */
export function signingFor(purpose: string, secret: string): Signing {
  const key = createHmac('sha256', secret).update(purpose).digest()
  const signatureOf = (text: string) => createHmac('sha256', key).update(text).digest('base64url')
  return {
    sign: (text) => `${text}.${signatureOf(text)}`,
    read(signed) {
      const dot = signed.lastIndexOf('.')
      const text = signed.slice(0, Math.max(dot, 0))
      const [given, right] = [Buffer.from(signed.slice(dot + 1)), Buffer.from(signatureOf(text))]
      return given.length === right.length && timingSafeEqual(given, right) ? text : undefined
    },
  }
}

import { Buffer } from 'node:buffer'
import type { Request } from 'express'

const MAX_CHARACTERS = 200

/** The OAuth client that a token request names, in its `Authorization` header or in its form, whose bytes are the body. */
export function clientIdOf({ headers, body }: Request): string | undefined {
  const basic = /^Basic +([\w+/=-]+)$/i.exec(headers.authorization ?? '')?.[1]
  const named = basic === undefined ? formOf(body).get('client_id') : userOf(basic)
  return named ? named.slice(0, MAX_CHARACTERS) : undefined
}

const formOf = (body: unknown): URLSearchParams => new URLSearchParams(Buffer.isBuffer(body) ? body.toString() : '')

/** Of `user:password`, where both are encoded as in forms. */
function userOf(basic: string): string {
  const [user = ''] = Buffer.from(basic, 'base64').toString().split(':', 1)
  return new URLSearchParams(`user=${user}`).get('user') ?? ''
}

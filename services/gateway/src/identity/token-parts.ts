import { limits } from '@parley/protocol'
import { z } from 'zod'

/** What a token says of itself, to find the key that proves it. Nothing in it is believed. */
export interface TokenParts {
  /** By `tokenType`; undefined where the header has none. */
  readonly type: string | undefined
  readonly keyId: string | undefined
  readonly issuer: string
}

const Header = z.object({
  typ: z.string().optional(),
  kid: z.string().optional(),
  // Extensions that one must understand (RFC 7515, 4.1.11): none is understood here.
  crit: z.undefined().optional(),
  b64: z.undefined().optional(),
})
const Payload = z.object({ iss: z.string() })

/** Undefined for what is no signed token, written in the one way in which there is to write it. */
export function readTokenParts(token: string): TokenParts | undefined {
  if (token.length > limits.accessTokenCharacters) return undefined
  const parts = token.split('.')
  const [header = '', payload = ''] = parts
  if (parts.length !== 3 || !parts.every(isCanonical)) return undefined
  const said = Header.safeParse(objectIn(header))
  const claimed = Payload.safeParse(objectIn(payload))
  if (!said.success || !claimed.success) return undefined
  const { typ, kid } = said.data
  return { type: typ === undefined ? undefined : tokenType(typ), keyId: kid, issuer: claimed.data.iss }
}

/** The same for all ways of writing it (RFC 7515, 4.1.9). */
export const tokenType = (typ: string): string => typ.toLowerCase().replace(/^application\//, '')

/** Others could be written for the same bytes: with padding, spaces, other letters, or last bits that say nothing. */
const isCanonical = (part: string): boolean => Buffer.from(part, 'base64url').toString('base64url') === part

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined too where a name stands twice: readers differ in which of them they believe. */
function objectIn(part: string): unknown {
  try {
    const json = utf8.decode(Buffer.from(part, 'base64url'))
    const object: unknown = JSON.parse(json)
    if (typeof object !== 'object' || object === null) return undefined
    return Object.keys(object).length === membersIn(json) ? object : undefined
  } catch {
    return undefined
  }
}

/** How many members the object has that this JSON writes, those counted twice that stand twice. */
function membersIn(json: string): number {
  let depth = 0
  let members = 0
  for (const [sign] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    if (sign === '{' || sign === '[') depth += 1
    else if (sign === '}' || sign === ']') depth -= 1
    else if (sign === ':' && depth === 1) members += 1
  }
  return members
}

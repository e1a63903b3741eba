import type { Call } from '@parley/contracts'
import type { Refusal } from '@parley/protocol'
import type { z } from 'zod'
import { BusError, type BusErrorCode } from './bus-error.ts'
import type { Answer } from './caller.ts'

/** What travels back: exactly one of the three. */
export type WireReply = { value: unknown } | { refusal: Refusal } | { error: BusErrorCode }

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export const encodeJson = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value))

export function decodeJson(data: Uint8Array): unknown {
  return JSON.parse(decoder.decode(data))
}

/** Reads bytes as what a schema says, or throws `BusError('malformed')`. */
export function decodeAs<Schema extends z.ZodType>(schema: Schema, data: Uint8Array, what: string): z.output<Schema> {
  try {
    return schema.parse(decodeJson(data))
  } catch (error) {
    throw new BusError('malformed', `${what}: not as agreed`, { cause: error })
  }
}

export function decodeReply(declared: Call, data: Uint8Array): Answer<unknown> {
  const reply = readReply(declared, data)
  if ('error' in reply) throw new BusError(reply.error, `${declared.subject}: ${reply.error} on the other side`)
  if ('refusal' in reply) return { ok: false, refusal: reply.refusal }
  const parsed = declared.reply.safeParse(reply.value)
  if (!parsed.success) throw new BusError('malformed', `${declared.subject}: ${parsed.error.message}`)
  return { ok: true, value: parsed.data }
}

function readReply(declared: Call, data: Uint8Array): WireReply {
  try {
    return decodeJson(data) as WireReply
  } catch (error) {
    throw new BusError('malformed', `${declared.subject}: the reply is not JSON`, { cause: error })
  }
}

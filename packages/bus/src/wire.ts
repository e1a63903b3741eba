import type { Call } from '@parley/contracts'
import { refusals, type Refusal, type RefusalCode } from '@parley/protocol'
import { z } from 'zod'
import { BusError, busErrorCodes, type BusErrorCode } from './bus-error.ts'
import type { Answer } from './caller.ts'

/** What travels back: exactly one of the three. */
export type WireReply = { value: unknown } | { refusal: Refusal } | { error: BusErrorCode }

const WireReply = z.object({
  value: z.unknown().optional(),
  refusal: z
    .object({
      code: z.enum(Object.keys(refusals) as RefusalCode[]),
      sentence: z.string(),
      data: z.record(z.string(), z.unknown()),
    })
    .optional(),
  error: z.enum(busErrorCodes).optional(),
})

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
  const { value, refusal, error } = decodeAs(WireReply, data, declared.subject)
  if (error !== undefined) throw new BusError(error, `${declared.subject}: ${error} on the other side`)
  if (refusal !== undefined) {
    if (declared.errors.includes(refusal.code)) return { ok: false, refusal: refusal as Refusal }
    throw new BusError('malformed', `${declared.subject}: refused with an undeclared ${refusal.code}`)
  }
  const parsed = declared.reply.safeParse(value)
  if (parsed.success) return { ok: true, value: parsed.data }
  throw new BusError('malformed', `${declared.subject}: not as agreed`, { cause: parsed.error })
}

import { type Refusal, type RefusalCode } from '@parley/protocol'
import { z } from 'zod'

/** A refusal as data, where one answer carries the outcomes of several requests. */
export const RefusalOf = <const Codes extends readonly RefusalCode[]>(codes: Codes) =>
  z.object({
    code: z.enum(codes as unknown as [Codes[number], ...Codes[number][]]),
    sentence: z.string(),
    data: z.record(z.string(), z.unknown()),
  }) as unknown as z.ZodType<Refusal<Codes[number]>>

import { z } from 'zod'

/**
 * Text of `min` (1 if not named) to `max` characters (Unicode code points). NUL and lone surrogates are refused: no database or client could
 * give them back as they came.
 */
export const text = (max: number, { min = 1 }: { min?: 0 | 1 } = {}) =>
  z
    .string()
    .refine((value) => value.length >= min, { error: 'must not be empty', abort: true })
    .refine((value) => hasAtMost(max, value), { error: `must have at most ${max} characters`, abort: true })
    .refine((value) => value.isWellFormed() && !value.includes('\u0000'), { error: 'must be well-formed Unicode' })
    .meta({ minLength: min, maxLength: max })

function hasAtMost(max: number, value: string): boolean {
  if (value.length <= max) return true
  if (value.length > 2 * max) return false
  let characters = 0
  for (const _ of value) characters += 1
  return characters <= max
}

/** Text that a line can show: no control characters or line breaks, and nothing that turns the reading direction of what follows. */
export const line = (max: number) =>
  text(max)
    .refine((value) => !/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u.test(value), {
      error: 'must be one line without control characters',
    })
    .refine((value) => value.trim() === value, { error: 'must not begin or end with a space' })

/** The address of something on the web, such as a picture. */
export const webAddress = (max: number) => z.url({ protocol: /^https?$/ }).max(max)

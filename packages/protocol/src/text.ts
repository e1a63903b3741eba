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

/** What is drawn as nothing, and would make two names look the same. */
const ZERO_WIDTH = /[\u200b\u200e\u200f\u2060-\u2064\ufeff]/
/** Joiners between letters of scripts that are written with them, and within an emoji of several. */
const JOINED =
  /(?<=[\p{L}\p{M}])(?<![\p{sc=Latn}\p{sc=Grek}\p{sc=Cyrl}\p{sc=Hani}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}]\p{M}*)[\u200c\u200d](?=[\p{L}\p{M}])|(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])\u200d(?=\p{Extended_Pictographic})/gu
const JOINER = /[\u200c\u200d]/

/** Text that a line can show: no control characters or line breaks, and nothing that turns the reading direction of what follows. */
export const line = (max: number) =>
  text(max)
    .refine((value) => !/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u.test(value), {
      error: 'must be one line without control characters',
    })
    .refine((value) => !ZERO_WIDTH.test(value) && !JOINER.test(value.replaceAll(JOINED, '')), {
      error: 'must not contain invisible characters',
    })
    .refine((value) => value.trim() === value, { error: 'must not begin or end with a space' })

/** The address of something on the web, such as a picture. */
export const webAddress = (max: number) => z.url({ protocol: /^https?$/ }).max(max)

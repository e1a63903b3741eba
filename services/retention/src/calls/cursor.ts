import { refuse } from '@parley/contracts'
import type { z } from 'zod'

/** A place in a list as clients keep it: opaque to them. */
export const writeCursor = (place: readonly string[]): string =>
  Buffer.from(JSON.stringify(place)).toString('base64url')

export function readCursor<Place>(cursor: string, form: z.ZodType<Place>): Place {
  const place = form.safeParse(jsonOf(cursor))
  if (!place.success) throw refuse.invalid_input({}, 'The cursor is not one that was given out.')
  return place.data
}

function jsonOf(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    return undefined
  }
}

export const DEFAULT_PAGE_SIZE = 50

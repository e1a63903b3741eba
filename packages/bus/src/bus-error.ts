export const busErrorCodes = ['timeout', 'unavailable', 'overloaded', 'malformed', 'internal'] as const
export type BusErrorCode = (typeof busErrorCodes)[number]

/**
 * A call that was not answered as its contract says: late (`timeout`), by nobody (`unavailable`), by somebody
 * with too much to do (`overloaded`: surely not done), in other words
 * (`malformed`), or with a crash (`internal`). Whether the work was done is not known.
 */
export class BusError extends Error {
  override readonly name = 'BusError'
  readonly code: BusErrorCode

  constructor(code: BusErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

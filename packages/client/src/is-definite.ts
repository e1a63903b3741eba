import { alwaysPossible, type RefusalCode } from '@parley/protocol'
import { RefusedError } from './refused-error.ts'

/** What another attempt may bring through: of those that are always possible, all but the input's own fault. */
const passing: readonly RefusalCode[] = alwaysPossible.filter(
  (code) => code !== 'invalid_input' && code !== 'payload_too_large',
)

/** Whether the server has said no, and will say so again. */
export const isDefinite = (error: unknown): error is RefusedError =>
  error instanceof RefusedError && !passing.includes(error.code)

import { tooDeep, tooMany, type ComplexityLimits } from './complexity.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a

/**
 * The number of values in JSON, names included, or a few less: one pass over the bytes, before anything recursive or slow
 * sees them. What is not JSON gets some answer; the parser refuses it afterwards. Throws `ProtocolError` beyond the limits.
 */
export function countJsonValues(json: Uint8Array, limits: ComplexityLimits): number {
  let depth = 0
  let values = 1
  let inString = false
  for (let index = 0; index < json.length; index++) {
    const byte = json[index]
    if (inString) {
      if (byte === BACKSLASH) index++
      else if (byte === QUOTE) inString = false
    } else if (byte === QUOTE) {
      inString = true
    } else if (byte === 0x5b || byte === 0x7b) {
      values++
      if (++depth > limits.nestingDepth) throw tooDeep(limits)
    } else if (byte === 0x5d || byte === 0x7d) {
      depth--
    } else if (byte === COMMA || byte === COLON) {
      values++
    }
  }
  if (values > limits.messageValues) throw tooMany(limits)
  return values
}

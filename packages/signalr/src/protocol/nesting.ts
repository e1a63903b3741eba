const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Whether JSON nests arrays and objects deeper than allowed: one pass over the bytes, before anything recursive sees
 * the value. What is not JSON gets some answer; the parser refuses it afterwards.
 */
export function isNestedDeeper(json: Uint8Array, maxDepth: number): boolean {
  let depth = 0
  let inString = false
  for (let index = 0; index < json.length; index++) {
    const byte = json[index]
    if (inString) {
      if (byte === BACKSLASH) index++
      else if (byte === QUOTE) inString = false
    } else if (byte === QUOTE) {
      inString = true
    } else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > maxDepth) return true
    } else if (byte === 0x5d || byte === 0x7d) {
      depth--
    }
  }
  return false
}

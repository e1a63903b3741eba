import { tooDeep, tooMany, type ComplexityLimits } from './complexity.ts'
import { ProtocolError } from './protocol-error.ts'

/** No message has more. What stands behind them is of some later version. */
const KEPT_ELEMENTS = 6
/** Behind the first bytes 0xc0 to 0xdf: the bytes of a count, and bytes that come in any case. -1: no value begins so. */
const COUNT_BYTES = [0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4]
const FIXED_BYTES = [0, -1, 0, 0, 0, 0, 0, 1, 1, 1, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17, 0, 0, 0, 0, 0, 0, 0]

/**
 * The elements of the array that a message is, each still in MessagePack: one pass over the bytes, before anything slow
 * or recursive sees them. Every value is whole, and they are no more and nested no deeper than allowed, the array itself
 * being the first level. Throws `ProtocolError`.
 */
export function elementsOf(message: Buffer, limits: ComplexityLimits): { elements: Buffer[]; values: number } {
  if (!isArray(message[0])) throw new ProtocolError('The message is not an array.')
  const elements: Buffer[] = []
  /** How many values each open array or map still lacks, the outermost first. */
  const lacking: number[] = []
  let elementStart = 0
  let position = 0
  let values = 0
  do {
    if (++values > limits.messageValues) throw tooMany(limits)
    const first = message[position++]
    if (first === undefined) throw cutShort()
    const countBytes = first >= 0xc0 && first < 0xe0 ? COUNT_BYTES[first - 0xc0]! : 0
    if (position + countBytes > message.length) throw cutShort()
    const count = countBytes > 0 ? message.readUIntBE(position, countBytes) : shortCountOf(first)
    position += countBytes
    if (lacking.length > 0) lacking[lacking.length - 1]!--
    if (isArray(first) || isMap(first)) {
      if (lacking.push(isMap(first) ? 2 * count : count) > limits.nestingDepth) throw tooDeep(limits)
      if (lacking.length === 1) elementStart = position
    } else {
      position += count + fixedBytesOf(first)
      if (position > message.length) throw cutShort()
    }
    while (lacking.at(-1) === 0) lacking.pop()
    if (lacking.length < 2 && position > elementStart) {
      if (elements.length < KEPT_ELEMENTS) elements.push(message.subarray(elementStart, position))
      elementStart = position
    }
  } while (lacking.length > 0)
  if (position < message.length) throw new ProtocolError('There is more than one value in the message.')
  return { elements, values }
}

export const isMap = (first: number | undefined): boolean =>
  first !== undefined && ((first & 0xf0) === 0x80 || first === 0xde || first === 0xdf)

const isArray = (first: number | undefined): boolean =>
  first !== undefined && ((first & 0xf0) === 0x90 || first === 0xdc || first === 0xdd)

/** Of maps and arrays up to 15, and of strings up to 31 bytes, the count is in the first byte. */
function shortCountOf(first: number): number {
  if (first < 0x80 || first >= 0xc0) return 0
  return first & (first < 0xa0 ? 0x0f : 0x1f)
}

function fixedBytesOf(first: number): number {
  if (first < 0xc0 || first >= 0xe0) return 0
  const bytes = FIXED_BYTES[first - 0xc0]!
  if (bytes < 0) throw new ProtocolError('The message is not MessagePack.')
  return bytes
}

const cutShort = () => new ProtocolError('The message is cut short.')

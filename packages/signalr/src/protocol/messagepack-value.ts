import { decode, Encoder } from '@msgpack/msgpack'
import { MAX_WRITTEN_DEPTH, writable } from './messagepack-writable.ts'
import { ProtocolError } from './protocol-error.ts'

/** A larger buffer, which some large message has left behind, is given back. */
const KEPT_BYTES = 64 * 1024

// Scalars count as a level here. `writable` makes of each number what it has to be.
const newEncoder = () => new Encoder({ useBigInt64: true, maxDepth: MAX_WRITTEN_DEPTH + 1 })
let encoder = newEncoder()

/** Valid until the next call. Throws if MessagePack, or the clients, have nothing for the value. */
export function writeValue(value: unknown): Uint8Array {
  const bytes = encoder.encodeSharedRef(writable(value))
  if (bytes.buffer.byteLength > KEPT_BYTES) encoder = newEncoder()
  return bytes
}

/**
 * A value that is known to be whole. Integers that are not safe as a number are bigints, bytes are a copy, and a
 * timestamp is a `Date`. Throws `ProtocolError`.
 */
export function readValue(bytes: Buffer, nameOf: (key: unknown) => string | number = propertyNameOf): unknown {
  const most = bytes.length
  // Most of what is not an argument: message types, kinds of results, counts.
  if (most === 1 && bytes[0]! < 0x80) return bytes[0]
  try {
    const value = decode(bytes, {
      useBigInt64: true,
      mapKeyConverter: nameOf,
      // The decoder's own cache of names is fed by all clients, and a name of broken UTF-8 takes what stands behind it.
      keyDecoder: null,
      maxStrLength: most,
      maxBinLength: most,
      maxArrayLength: most,
      maxMapLength: most,
      maxExtLength: most,
    })
    return settled(value)
  } catch {
    throw new ProtocolError('The message is not MessagePack that can be read.')
  }
}

/** Other languages have maps by number. JSON writes such numbers as text, too. */
function propertyNameOf(key: unknown): string | number {
  if (typeof key === 'string' || typeof key === 'number') return key
  if (typeof key === 'bigint') return String(key)
  throw new TypeError(`A key is a ${typeof key}.`)
}

/** In place, and not by recursion, as the limit of nesting may have been set high. */
function settled(root: unknown): unknown {
  const holder = [root]
  const open: object[] = [holder]
  for (let parent = open.pop(); parent !== undefined; parent = open.pop()) {
    const values = parent as Record<string | number, unknown>
    const keys = Array.isArray(parent) ? parent.keys() : Object.keys(parent)
    for (const key of keys) {
      const value = values[key]
      if (typeof value === 'bigint') values[key] = integerOf(value)
      else if (value instanceof Uint8Array) values[key] = new Uint8Array(value)
      else if (typeof value === 'object' && value !== null) open.push(value)
    }
  }
  return holder[0]
}

function integerOf(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

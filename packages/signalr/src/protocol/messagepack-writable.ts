/** Levels of arrays and objects within each other: no less than clients accept, and the end of every cycle. */
export const MAX_WRITTEN_DEPTH = 128

const MAX_UINT64 = 2n ** 64n - 1n
const MIN_INT64 = -(2n ** 63n)

/**
 * The value as the encoder has to get it, so that it is written much as JSON would be: properties that are `undefined`
 * are left out, and `toJSON` is asked. Only what differs is copied. Throws for what cannot be written.
 */
export function writable(value: unknown, depth = 1): unknown {
  switch (typeof value) {
    case 'number':
      return writableNumber(value)
    case 'bigint':
      return writableInteger(value)
    case 'object':
      return value === null ? null : writableObject(value, depth)
    case 'function':
    case 'symbol':
      throw new TypeError(`A ${typeof value} cannot be written as MessagePack.`)
    case 'string':
    case 'boolean':
    case 'undefined':
      return value
  }
}

/** The encoder writes large integers as integers only if they are bigints. */
function writableNumber(value: number): number | bigint {
  const isLarge = value > 0xffff_ffff || value < -0x8000_0000
  return isLarge && Number.isSafeInteger(value) ? BigInt(value) : value
}

/** The encoder writes each bigint in eight bytes, and cuts off what does not fit. */
function writableInteger(value: bigint): number | bigint {
  if (value > MAX_UINT64 || value < MIN_INT64) throw new TypeError('A bigint of more than 64 bits cannot be written.')
  return value <= 0xffff_ffff && value >= -0x8000_0000 ? Number(value) : value
}

function writableObject(value: object, depth: number): unknown {
  if (depth > MAX_WRITTEN_DEPTH) {
    throw new TypeError(`What refers to itself, or is nested deeper than ${depth - 1} levels, cannot be written.`)
  }
  if (Array.isArray(value)) return writableArray(value, depth)
  if (ArrayBuffer.isView(value)) return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value
  if ('toJSON' in value && typeof value.toJSON === 'function') return writable(value.toJSON(), depth + 1)
  return writableMap(value as Record<string, unknown>, depth)
}

function writableArray(list: readonly unknown[], depth: number): readonly unknown[] {
  let copy: unknown[] | undefined
  for (let index = 0; index < list.length; index++) {
    const written = writable(list[index], depth + 1)
    if (copy === undefined && !Object.is(written, list[index])) copy = list.slice(0, index)
    copy?.push(written)
  }
  return copy ?? list
}

function writableMap(map: Record<string, unknown>, depth: number): Record<string, unknown> {
  const keys = Object.keys(map)
  let copy: Record<string, unknown> | undefined
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index]!
    const value = map[key]
    // The JavaScript client closes the connection over this name.
    const written = key === '__proto__' ? undefined : writable(value, depth + 1)
    if (copy === undefined && (written === undefined || !Object.is(written, value))) {
      copy = {}
      for (const before of keys.slice(0, index)) copy[before] = map[before]
    }
    if (copy !== undefined && written !== undefined) copy[key] = written
  }
  return copy ?? map
}

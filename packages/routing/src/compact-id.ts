/**
 * Keys and members in Redis are mostly ids, a million times over: a UUID takes 22 characters there instead of 36. They end in
 * one of `BRhx`, which the base64url of 16 bytes never does: such ids pass unharmed, as all others do; the few that could be
 * mistaken are marked.
 */
export function compactId(id: string): string {
  if (UUID.test(id)) {
    const encoded = Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url')
    return encoded.slice(0, LAST) + UUID_END[ID_END.indexOf(encoded.charAt(LAST))]
  }
  return COMPACT_UUID.test(id) || id.startsWith(MARK) || id.startsWith('#') ? MARK + id : id
}

export function expandId(compact: string): string {
  if (compact.startsWith(MARK)) return compact.slice(MARK.length)
  if (!COMPACT_UUID.test(compact)) return compact
  const encoded = compact.slice(0, LAST) + ID_END[UUID_END.indexOf(compact.charAt(LAST))]
  const hex = Buffer.from(encoded, 'base64url').toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const COMPACT_UUID = /^[\w-]{21}[BRhx]$/
const MARK = '='
const LAST = 21
/** The last of 22 characters stands for two bits of the 16 bytes and four that are 0, here 1. */
const ID_END = 'AQgw'
const UUID_END = 'BRhx'

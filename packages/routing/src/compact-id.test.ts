import { randomBytes, randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { compactId, expandId } from './compact-id.ts'

test('a UUID takes 22 characters, and any id is found again', () => {
  const uuids = [
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    ...Array.from({ length: 1_000 }, () => randomUUID()),
  ]
  const connectionIds = Array.from({ length: 1_000 }, () => randomBytes(16).toString('base64url'))
  const others = ['', 'ann', '#v', '=', '==', '=ann', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF', '🙂', randomUUID() + '0']
  const compactUuids = uuids.map(compactId)
  expect(new Set(compactUuids.map(({ length }) => length))).toEqual(new Set([22]))
  expect(connectionIds.map(compactId)).toEqual(connectionIds)

  // What looks like a compact UUID and is none, too, and what looks like that.
  const ids = [...uuids, ...connectionIds, ...others, ...compactUuids, ...compactUuids.map(compactId)]
  const compact = ids.map(compactId)
  expect(compact.map(expandId)).toEqual(ids)
  expect(new Set(compact).size).toBe(new Set(ids).size)
  // In a user's hash this means something else.
  expect(compact.filter((id) => id.startsWith('#'))).toEqual([])
})

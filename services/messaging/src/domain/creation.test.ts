import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { creationHash, membersOf } from './creation.ts'

const creation = {
  kind: 'group' as const,
  title: 'Plans',
  historyVisibility: 'joined' as const,
  members: membersOf('group', 'a', ['c', 'b']),
}

test('a creation that asks for nothing new has the same hash as ever', () => {
  const asEver = createHash('sha256').update('["group","Plans",["a","b","c"]]').digest()
  expect(creationHash(creation)).toEqual(asEver)
})

test('another title, kind, visibility or member makes another hash', () => {
  const others = [
    creation,
    { ...creation, title: null },
    { ...creation, kind: 'channel' as const },
    { ...creation, historyVisibility: 'all' as const },
    { ...creation, members: membersOf('group', 'a', ['c']) },
  ]
  expect(new Set(others.map((other) => creationHash(other).toString('hex'))).size).toBe(others.length)
})

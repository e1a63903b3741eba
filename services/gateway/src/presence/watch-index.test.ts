import { expect, test } from 'vitest'
import type { ChatConnection } from '../hub/chat-connection.ts'
import type { Relation } from './seen-state.ts'
import { WatchIndex } from './watch-index.ts'

const connection = (id: string) => ({ id }) as ChatConnection

test('it knows who watches whom, and what they are to each other', () => {
  const index = new WatchIndex()
  const [alice, bob] = [connection('alice'), connection('bob')]
  index.set(alice, 'carol', 'none')
  index.set(alice, 'dave', 'shared')
  index.set(bob, 'carol', 'contact')
  index.set(alice, 'alice', 'self unwatched')
  const watching: (readonly [string, Relation | undefined])[] = []
  for (const userId of ['carol', 'alice']) {
    index.forEachOf(userId, ({ id }, relation) => watching.push([id, relation]))
  }
  expect(new Map(watching)).toEqual(
    new Map([
      ['bob', 'contact'],
      ['alice', undefined],
    ]),
  )
  expect(watching).toContainEqual(['alice', 'none'])
  expect(new Set(index.watchedBy(alice))).toEqual(new Set(['carol', 'dave']))
  expect(index.withStrangers()).toEqual([alice])
  index.set(alice, 'carol', 'shared')
  expect(index.withStrangers()).toEqual([])
  expect([index.watchedUsers, index.watches]).toEqual([3, 4])
})

test('a user whom nobody needs any more is told of, and nothing is left of a connection that is removed', () => {
  const index = new WatchIndex()
  const [alice, bob] = [connection('alice'), connection('bob')]
  index.set(alice, 'carol', 'shared')
  index.set(bob, 'carol', 'shared')
  index.set(bob, 'dave', 'shared')
  expect(index.remove(alice, 'carol')).toBe(false)
  expect(new Set(index.removeConnection(bob))).toEqual(new Set(['carol', 'dave']))
  expect([index.watchedUsers, index.watches, index.users()]).toEqual([0, 0, []])
})

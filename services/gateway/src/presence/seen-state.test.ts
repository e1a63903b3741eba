import type { UserPresence } from '@parley/contracts'
import { describe, expect, test } from 'vitest'
import { seenState, type Relation, type Viewer } from './seen-state.ts'

const lastSeenAt = '2026-01-01T00:00:00.000Z'
const subject = (state: Partial<UserPresence>): UserPresence => ({
  userId: '7f0c0f50-0000-4000-8000-000000000001',
  status: 'online',
  text: 'Hello',
  lastSeenAt,
  version: 1,
  visibleTo: 'everyone',
  ...state,
})
const seen = (state: Partial<UserPresence>, viewer: Partial<Viewer>) => {
  const { userId: _, ...shown } = seenState(subject(state), { relation: 'shared', visibleTo: 'everyone', ...viewer })
  return shown
}
const NOTHING = { status: 'unknown', text: null, lastSeenAt: null }

describe('a user is seen', () => {
  test.each<[UserPresence['visibleTo'], Relation, boolean]>([
    ['everyone', 'none', false],
    ['everyone', 'shared', true],
    ['everyone', 'contact', true],
    ['everyone', 'self', true],
    ['contacts', 'none', false],
    ['contacts', 'shared', false],
    ['contacts', 'contact', true],
    ['contacts', 'self', true],
    ['nobody', 'none', false],
    ['nobody', 'shared', false],
    ['nobody', 'contact', false],
    ['nobody', 'self', true],
  ])('who is visible to %s, by somebody of relation %s: %s', (visibleTo, relation, isSeen) => {
    for (const status of ['online', 'away', 'busy'] as const) {
      const expected = { status, text: 'Hello', lastSeenAt: relation === 'self' ? lastSeenAt : null }
      expect(seen({ visibleTo, status }, { relation })).toEqual(isSeen ? expected : NOTHING)
    }
  })

  test('offline and invisible alike by others, and as they are by themselves', () => {
    for (const relation of ['shared', 'contact', 'none'] as const) {
      expect(seen({ status: 'invisible' }, { relation })).toEqual(seen({ status: 'offline' }, { relation }))
    }
    expect(seen({ status: 'invisible' }, { relation: 'shared' }).status).toBe('offline')
    expect(seen({ status: 'invisible' }, { relation: 'self' }).status).toBe('invisible')
  })

  test('with the time last seen only by those whom they may see too', () => {
    const offline = { status: 'offline' as const }
    expect(seen(offline, { visibleTo: 'everyone' }).lastSeenAt).toBe(lastSeenAt)
    expect(seen(offline, { visibleTo: 'contacts' }).lastSeenAt).toBeNull()
    expect(seen(offline, { visibleTo: 'contacts', relation: 'contact' }).lastSeenAt).toBe(lastSeenAt)
    expect(seen(offline, { visibleTo: 'nobody', relation: 'contact' }).lastSeenAt).toBeNull()
    expect(seen(offline, { visibleTo: 'nobody' }).status).toBe('offline')
  })
})

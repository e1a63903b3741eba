import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Identity } from '../identity/identity.ts'
import { Revocations } from './revocations.ts'

const userId = randomUUID()
const AT_MS = 1_000_000
const KEPT_MS = 60_000

const identityOf = (differences: Partial<Identity>): Identity => ({
  actor: { userId, scopes: [] },
  issuer: 'https://issuer.example',
  isService: false,
  sessionId: null,
  tokenId: null,
  issuedAtMs: AT_MS,
  expiresAtMs: AT_MS + 600_000,
  ...differences,
})

const revoked = (position: number, what: { sessionId?: string; tokenId?: string }, atMs = AT_MS) => ({
  position,
  userId,
  at: new Date(atMs).toISOString(),
  forgottenAt: new Date(atMs + KEPT_MS).toISOString(),
  ...what,
})

describe('a revocation', () => {
  test('of a session is of all its tokens, and of no other', () => {
    const revocations = new Revocations()
    revocations.add(revoked(1, { sessionId: 'phone' }))
    expect(revocations.has(identityOf({ sessionId: 'phone', tokenId: 'a' }))).toBe(true)
    expect(revocations.has(identityOf({ sessionId: 'phone', tokenId: 'b', issuedAtMs: AT_MS + 5_000 }))).toBe(true)
    expect(revocations.has(identityOf({ sessionId: 'laptop' }))).toBe(false)
    expect(revocations.has(identityOf({ sessionId: null }))).toBe(false)
  })

  test('of a token leaves the other tokens of its session', () => {
    const revocations = new Revocations()
    revocations.add(revoked(1, { tokenId: 'a' }))
    expect(revocations.has(identityOf({ sessionId: 'phone', tokenId: 'a' }))).toBe(true)
    expect(revocations.has(identityOf({ sessionId: 'phone', tokenId: 'b' }))).toBe(false)
  })

  test('of a user is of tokens without a session that were issued until then', () => {
    const revocations = new Revocations()
    revocations.add(revoked(1, {}))
    revocations.add(revoked(2, {}, AT_MS - 5_000))
    expect(revocations.has(identityOf({}))).toBe(true)
    expect(revocations.has(identityOf({ issuedAtMs: AT_MS + 1_000 }))).toBe(false)
    expect(revocations.has(identityOf({ sessionId: 'signed in since' }))).toBe(false)
    expect(revocations.has(identityOf({ actor: { userId: randomUUID(), scopes: [] } }))).toBe(false)
  })

  test('is kept until none of its tokens is left', () => {
    const revocations = new Revocations()
    revocations.add(revoked(1, { sessionId: 'phone' }))
    revocations.forget(AT_MS + KEPT_MS - 1)
    expect(revocations.size).toBe(1)
    revocations.forget(AT_MS + KEPT_MS)
    expect(revocations.size).toBe(0)
    expect(revocations.position).toBe(1)
  })
})

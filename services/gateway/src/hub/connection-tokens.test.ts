import { describe, expect, test } from 'vitest'
import { signedTokens } from './connection-tokens.ts'

const secret = 'a secret of at least 32 characters'

describe('a signed connection token', () => {
  test('is read by the gateway that made it as its own, and by others as foreign', () => {
    const one = signedTokens({ secret, now: () => 0 })
    const other = signedTokens({ secret, now: () => 0 })
    const { connectionId, connectionToken } = one.mint()
    expect(one.read(connectionToken)).toEqual({ connectionId, isForeign: false })
    expect(other.read(connectionToken)).toEqual({ connectionId, isForeign: true })
  })

  test('is foreign for 15 seconds only', () => {
    const { connectionToken } = signedTokens({ secret, now: () => 1_000 }).mint()
    expect(signedTokens({ secret, now: () => 16_000 }).read(connectionToken)).not.toBeNull()
    expect(signedTokens({ secret, now: () => 16_001 }).read(connectionToken)).toBeNull()
  })

  test('with another secret, or changed in any place, is nothing', () => {
    const tokens = signedTokens({ secret, now: () => 0 })
    const { connectionToken } = tokens.mint()
    expect(signedTokens({ secret: secret.toUpperCase(), now: () => 0 }).read(connectionToken)).toBeNull()
    for (let index = 0; index < connectionToken.length - 1; index += 1) {
      const changed = connectionToken[index] === 'A' ? 'B' : 'A'
      expect(tokens.read(connectionToken.slice(0, index) + changed + connectionToken.slice(index + 1))).toBeNull()
    }
    for (const nothing of ['', '.', '...', 'a.b.c.d', `${connectionToken}.`, connectionToken.slice(1)]) {
      expect(tokens.read(nothing)).toBeNull()
    }
  })
})

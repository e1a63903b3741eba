import { describe, expect, test } from 'vitest'
import { signedTokens } from './connection-tokens.ts'

const secret = 'a secret of at least 32 characters'

/** The tokens of a gateway that has these ids, the current one first. */
function tokensOf(gatewayIds: number[], options: { secret?: string; now?: () => number } = {}) {
  const routing = {
    get gatewayId() {
      return gatewayIds[0]!
    },
    isSelf: (gatewayId: number) => gatewayIds.includes(gatewayId),
  }
  return signedTokens({ secret, now: () => 0, ...options, routing })
}

describe('a signed connection token', () => {
  test.each([true, false])('tells any gateway whose it is, and whether it is stateful: %s', (isStateful) => {
    const [one, other] = [tokensOf([1]), tokensOf([2])]
    const { connectionId, connectionToken } = one.mint({ isStateful })
    expect(one.read(connectionToken)).toEqual({ connectionId, isStateful, home: undefined, isExpired: false })
    expect(other.read(connectionToken)).toEqual({ connectionId, isStateful, home: '1', isExpired: false })
  })

  test('stays its own for a gateway that has taken another id', () => {
    const gatewayIds = [1]
    const tokens = tokensOf(gatewayIds)
    const { connectionToken } = tokens.mint({ isStateful: false })
    gatewayIds.unshift(3)
    expect(tokens.read(connectionToken)).toMatchObject({ home: undefined })
    expect(tokensOf([2]).read(tokens.mint({ isStateful: false }).connectionToken)).toMatchObject({ home: '3' })
  })

  test('opens a connection elsewhere for 15 seconds only, and is read for ever', () => {
    const { connectionToken } = tokensOf([1], { now: () => 1_000 }).mint({ isStateful: false })
    const inTime = tokensOf([2], { now: () => 16_000 })
    expect(inTime.read(connectionToken)).toMatchObject({ isExpired: false })
    const late = tokensOf([2], { now: () => 16_001 })
    expect(late.read(connectionToken)).toMatchObject({ home: '1', isExpired: true })
  })

  test('with another secret, or changed in any place, is nothing', () => {
    const tokens = tokensOf([1])
    const { connectionToken } = tokens.mint({ isStateful: true })
    expect(tokensOf([1], { secret: secret.toUpperCase() }).read(connectionToken)).toBeNull()
    for (let index = 0; index < connectionToken.length; index += 1) {
      const changed = connectionToken[index] === 'A' ? 'B' : 'A'
      expect(tokens.read(connectionToken.slice(0, index) + changed + connectionToken.slice(index + 1))).toBeNull()
    }
    for (const nothing of ['', '.', '...', 'a.b.c.d', 'a.b.c.d.e', `${connectionToken}.`, connectionToken.slice(1)]) {
      expect(tokens.read(nothing)).toBeNull()
    }
  })
})

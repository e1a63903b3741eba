import { randomUUID } from 'node:crypto'
import { refuse } from '@parley/contracts'
import { describe, expect, test } from 'vitest'
import { connectionTickets, type ConnectionTickets } from './connection-tickets.ts'
import type { Identity } from './identity.ts'

const SECRET = 'a secret of at least 32 characters'
const PAGE = 'https://chat.example'
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

const identity: Identity = {
  actor: { userId: randomUUID(), scopes: ['openid', 'profile'] },
  issuer: 'https://issuer.example',
  isService: false,
  sessionId: 'a sign-in',
  tokenId: 'a token',
  issuedAtMs: 0,
  expiresAtMs: HOUR_MS,
}

/** Gateways that share what Redis would hold, and a clock. */
function gateways(options: { secret?: string } = {}) {
  const claims = new Map<string, string>()
  const it = {
    nowMs: 0,
    redisIsAway: false,
    revoked: new Set<string | null>(),
    /** Open connections, with who they are now. */
    open: new Map<string, Identity>(),
    gateway: (): ConnectionTickets =>
      connectionTickets({
        secret: SECRET,
        ...options,
        now: () => it.nowMs,
        identityOf: (connectionId) => it.open.get(connectionId),
        assertLive(identity) {
          if (it.revoked.has(identity.sessionId)) throw refuse.unauthenticated()
        },
        routing: {
          async claimTicket(ticketId, connectionId) {
            if (it.redisIsAway) return undefined
            if (!claims.has(ticketId)) claims.set(ticketId, connectionId)
            return claims.get(ticketId)
          },
        },
      }),
  }
  return it
}

const refused = { refusal: { code: 'unauthenticated' } }

describe('a ticket', () => {
  test('tells any gateway whose it is', async () => {
    const all = gateways()
    const { ticket, expiresAt } = all.gateway().issue(identity, undefined)
    expect(expiresAt).toBe(new Date(MINUTE_MS).toISOString())
    const accepted = await all.gateway().accept(ticket, { connectionId: 'c1', origin: undefined })
    expect(accepted).toEqual(identity)
  })

  test('that was changed in any place, or signed with another secret, is refused', async () => {
    const all = gateways()
    const gateway = all.gateway()
    const { ticket } = gateway.issue(identity, undefined)
    for (let index = 'ticket.'.length; index < ticket.length; index += 1) {
      const changed = ticket.slice(0, index) + (ticket[index] === 'A' ? 'B' : 'A') + ticket.slice(index + 1)
      await expect(gateway.accept(changed, { connectionId: 'c1', origin: undefined })).rejects.toMatchObject(refused)
    }
    for (const nothing of ['ticket.', 'ticket..', 'ticket.a.b', `${ticket}.`, ticket.slice(0, -1)]) {
      await expect(gateway.accept(nothing, { connectionId: 'c1', origin: undefined })).rejects.toMatchObject(refused)
    }
    const other = gateways({ secret: SECRET.toUpperCase() }).gateway()
    await expect(other.accept(ticket, { connectionId: 'c1', origin: undefined })).rejects.toMatchObject(refused)
  })

  test('opens a connection within 60 seconds', async () => {
    const all = gateways()
    const gateway = all.gateway()
    const [early, late] = [gateway.issue(identity, undefined), gateway.issue(identity, undefined)]
    all.nowMs = MINUTE_MS - 1
    await gateway.accept(early.ticket, { connectionId: 'c1', origin: undefined })
    all.nowMs = MINUTE_MS
    await expect(gateway.accept(late.ticket, { connectionId: 'c2', origin: undefined })).rejects.toMatchObject(refused)
  })

  test('is good for the connection it has opened until the access token ends, where that connection is', async () => {
    const all = gateways()
    const [home, other] = [all.gateway(), all.gateway()]
    const { ticket } = home.issue(identity, undefined)
    await home.accept(ticket, { connectionId: 'c1', origin: undefined })
    all.nowMs = HOUR_MS - 1
    await home.accept(ticket, { connectionId: 'c1', origin: undefined })
    await expect(other.accept(ticket, { connectionId: 'c1', origin: undefined })).rejects.toMatchObject(refused)
    all.nowMs = HOUR_MS
    await expect(home.accept(ticket, { connectionId: 'c1', origin: undefined })).rejects.toMatchObject(refused)
  })

  test('is good for its connection as long as that lives, where its token was renewed', async () => {
    const all = gateways()
    const gateway = all.gateway()
    const { ticket } = gateway.issue(identity, undefined)
    await gateway.accept(ticket, { connectionId: 'c1', origin: undefined })
    all.open.set('c1', { ...identity, expiresAtMs: 2 * HOUR_MS })
    all.nowMs = 2 * HOUR_MS - 1
    await gateway.accept(ticket, { connectionId: 'c1', origin: undefined })
    await expect(gateway.accept(ticket, { connectionId: 'c2', origin: undefined })).rejects.toMatchObject(refused)
    all.nowMs = 2 * HOUR_MS
    await expect(gateway.accept(ticket, { connectionId: 'c1', origin: undefined })).rejects.toMatchObject(refused)
  })

  test('is refused once its session was revoked', async () => {
    const all = gateways()
    const gateway = all.gateway()
    const { ticket } = gateway.issue(identity, undefined)
    await gateway.accept(ticket, { connectionId: 'c1', origin: undefined })
    all.revoked.add(identity.sessionId)
    await expect(gateway.accept(ticket, { connectionId: 'c1', origin: undefined })).rejects.toMatchObject(refused)
  })

  test('does not outlive the access token', () => {
    const { expiresAt } = gateways()
      .gateway()
      .issue({ ...identity, expiresAtMs: 5_000 }, undefined)
    expect(expiresAt).toBe(new Date(5_000).toISOString())
  })

  test('opens one connection only, on whichever gateway', async () => {
    const all = gateways()
    const [one, other] = [all.gateway(), all.gateway()]
    const { ticket } = one.issue(identity, undefined)
    await one.accept(ticket, { connectionId: 'c1', origin: undefined })
    // Negotiated there, connected here.
    await other.accept(ticket, { connectionId: 'c1', origin: undefined })
    for (const gateway of [one, other]) {
      await expect(gateway.accept(ticket, { connectionId: 'c2', origin: undefined })).rejects.toMatchObject(refused)
    }
  })

  test('that is used for many connections at the same time opens one of them', async () => {
    const all = gateways()
    const [one, other] = [all.gateway(), all.gateway()]
    const { ticket } = one.issue(identity, undefined)
    const uses = Array.from({ length: 10 }, (_, index) =>
      (index % 2 === 0 ? one : other).accept(ticket, { connectionId: `c${index}`, origin: undefined }),
    )
    const outcomes = await Promise.allSettled(uses)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('opens one connection on a gateway while Redis is away', async () => {
    const all = gateways()
    all.redisIsAway = true
    const gateway = all.gateway()
    const { ticket } = gateway.issue(identity, undefined)
    const uses = ['c1', 'c2'].map((connectionId) => gateway.accept(ticket, { connectionId, origin: undefined }))
    const outcomes = await Promise.allSettled(uses)
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    await gateway.accept(ticket, { connectionId: 'c1', origin: undefined })
  })

  test('is for pages of the origin that asked for it; a page that reads from its own origin does not name it', async () => {
    const gateway = gateways().gateway()
    const { ticket } = gateway.issue(identity, PAGE)
    const use = (origin: string | undefined) => gateway.accept(ticket, { connectionId: 'c1', origin })
    await expect(use('https://evil.example')).rejects.toMatchObject(refused)
    await use(PAGE)
    await use(undefined)
    const ofNoPage = gateway.issue(identity, undefined).ticket
    await expect(gateway.accept(ofNoPage, { connectionId: 'c2', origin: PAGE })).rejects.toMatchObject(refused)
  })
})

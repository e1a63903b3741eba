import { randomBytes } from 'node:crypto'
import { refuse } from '@parley/contracts'
import type { GatewayRouting } from '@parley/routing'
import { z } from 'zod'
import { Identity } from './identity.ts'
import { signingFor } from './signing.ts'
import { UsedTickets } from './used-tickets.ts'

/**
 * Tickets stand where an access token would have to stand in a URL. One opens one connection, on any gateway, and is good
 * for it as long as the access token is that it was made from: the official client presents the same one with every request
 * of a connection.
 */
export interface ConnectionTickets {
  /** For the bearer of an access token, and for pages of this origin. */
  issue(identity: Identity, origin: string | undefined): { ticket: string; expiresAt: string }
  isTicket(token: string | undefined): token is string
  /** Whose the ticket is. Throws `unauthenticated` unless it is good for this connection. */
  accept(ticket: string, use: { connectionId: string; origin: string | undefined }): Promise<Identity>
}

/** Within it the first use must come. */
const LIFETIME_MS = 60_000
/** Clocks of gateways may differ by so much before a ticket could be used twice. */
const CLOCK_DIFFERENCE_MS = 60_000
const PREFIX = 'ticket.'

const Content = z.object({
  id: z.string(),
  identity: Identity,
  origin: z.string().nullable(),
  expiresAtMs: z.number(),
})

export function connectionTickets(options: {
  secret: string
  routing: Pick<GatewayRouting, 'claimTicket'>
  /** Refuses those whose session was revoked. */
  assertLive: (identity: Identity) => void
  /** Whose an open connection is now: its token may have been renewed since the ticket was made. */
  identityOf: (connectionId: string) => Identity | undefined
  now: () => number
}): ConnectionTickets {
  const { routing, assertLive, identityOf, now } = options
  const signing = signingFor('connection ticket', options.secret)
  const used = new UsedTickets()

  function contentOf(ticket: string): z.infer<typeof Content> {
    const content = signing.read(ticket.slice(PREFIX.length))
    if (content === undefined) throw refuse.unauthenticated()
    const parsed = Content.safeParse(JSON.parse(Buffer.from(content, 'base64url').toString()))
    if (!parsed.success) throw refuse.unauthenticated()
    return parsed.data
  }

  /** The connection that the ticket is for: that of its first use, which gateways find out together. */
  async function connectionOf(ticketId: string, expiresAtMs: number, connectionId: string): Promise<string> {
    const known = used.use(ticketId)
    if (known !== undefined) return known
    const leftMs = expiresAtMs - now()
    if (leftMs <= 0) throw refuse.unauthenticated()
    const holder = await routing.claimTicket(ticketId, connectionId, leftMs + CLOCK_DIFFERENCE_MS)
    // Another use may have come meanwhile. While Redis cannot tell, what was used here has to do.
    const decided = used.use(ticketId) ?? holder ?? connectionId
    used.remember(ticketId, decided)
    return decided
  }

  return {
    issue(identity, origin) {
      const expiresAtMs = Math.min(now() + LIFETIME_MS, identity.expiresAtMs)
      const id = randomBytes(16).toString('base64url')
      const content: z.infer<typeof Content> = { id, identity, origin: origin ?? null, expiresAtMs }
      const ticket = PREFIX + signing.sign(Buffer.from(JSON.stringify(content)).toString('base64url'))
      return { ticket, expiresAt: new Date(expiresAtMs).toISOString() }
    },
    isTicket: (token): token is string => token?.startsWith(PREFIX) === true,
    async accept(ticket, { connectionId, origin }) {
      const content = contentOf(ticket)
      // Browsers leave it out where a page reads from its own origin.
      if (origin !== undefined && origin !== content.origin) throw refuse.unauthenticated()
      const identity = identityOf(connectionId) ?? content.identity
      if (now() >= identity.expiresAtMs) throw refuse.unauthenticated()
      assertLive(content.identity)
      const opened = await connectionOf(content.id, content.expiresAtMs, connectionId)
      if (opened !== connectionId) throw refuse.unauthenticated()
      return content.identity
    },
  }
}

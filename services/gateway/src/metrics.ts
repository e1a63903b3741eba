import type { OperationName } from '@parley/protocol'
import type { GatewayRouting } from '@parley/routing'
import { count, measure, measureEach, time, type Metrics } from '@parley/runtime'
import type { HubServer } from '@parley/signalr'
import type { DeliveryFigures } from './delivery/open-delivery.ts'
import type { Identity } from './identity/identity.ts'
import type { PresenceFigures } from './presence/open-presence.ts'
import type { Identities } from './identity/create-identities.ts'
import type { SessionFigures } from './sessions/open-sessions.ts'
import type { TypingFigures } from './typing/open-typing.ts'

/** Told of each operation that was performed: its code is `ok`, or that of the refusal. */
export type OnPerformed = (name: OperationName, outcome: { readonly code: string; readonly seconds: number }) => void

export function countOperations(metrics: Metrics): OnPerformed {
  const help = 'Operations, by how they ended.'
  const outcomes = count(metrics, 'parley_gateway_operations_total', help, 'operation', 'code')
  const times = time(metrics, 'parley_gateway_operation_seconds', 'How long operations take.', 'operation')
  return (name, { code, seconds }) => {
    outcomes(name, code)
    times(name, seconds)
  }
}

/** Told of each request that was one too many, by the name of its limit. */
export const countLimited = (metrics: Metrics): ((limit: string) => void) =>
  count(metrics, 'parley_gateway_rate_limited_total', 'Requests that were one too many.', 'limit')

interface Parts {
  readonly hub: Pick<HubServer<Identity>, 'figures'>
  readonly routing: Pick<GatewayRouting, 'figures'>
  readonly delivery: DeliveryFigures
  readonly presence: PresenceFigures
  readonly typing: TypingFigures
  readonly sessions: SessionFigures
  readonly identities: Pick<Identities, 'keyAgesSeconds'>
  readonly limits: { readonly unasked: number }
}

type Read = () => number
type ReadEach = () => Readonly<Record<string, number>>

/** What operators watch of a gateway. Names and meanings are listed in the README. */
export function measureGateway(
  metrics: Metrics,
  { hub, routing, delivery, presence, typing, sessions, identities, limits }: Parts,
): void {
  const one = (name: string, help: string, read: Read) =>
    measure(metrics, `parley_gateway_${name}`, help, async () => read())
  const each = (name: string, label: string, help: string, read: ReadEach) =>
    measureEach(metrics, `parley_gateway_${name}`, help, { label, read: async () => read() })

  each('connections', 'transport', 'Open connections.', () => hub.figures.connections)
  one('connections_opened_total', 'Connections that were opened.', () => hub.figures.opened)
  one(
    'failed_handshakes_total',
    'Connections that ended before they had shaken hands.',
    () => hub.figures.failedHandshakes,
  )
  each('closes_total', 'reason', 'Connections that have ended.', () => hub.figures.ended)
  each('drops_total', 'class', 'What was not sent to slow clients: dropped, or replaced by newer.', () => ({
    ephemeral: hub.figures.dropped,
    state: hub.figures.replaced,
  }))
  one('turned_away_total', 'Clients that were told to come back later.', () => hub.figures.turnedAway)
  one('buffered_bytes', 'What waits for clients.', () => hub.figures.bufferedBytes)
  one('draining', 'Whether it is closing its connections to stop.', () => (hub.figures.leaving === null ? 0 : 1))
  one('draining_connections', 'Connections that are still to be closed.', () => hub.figures.leaving ?? 0)

  one('interest_topics', 'Topics of which senders know that they are heard here.', () => routing.figures.topics)
  one('registered', 'Whether Redis holds all that it should.', () => (routing.figures.registered ? 1 : 0))
  one('leases_taken_total', 'Leases: one at the start, one after each that lapsed.', () => routing.figures.leasesTaken)
  one('lease_renewals_total', 'Renewals of the lease.', () => routing.figures.renewals)
  one('doubts_total', 'Times at which everything had to be registered again.', () => routing.figures.doubts)

  one('topics', 'Topics that connections hear.', () => delivery.topics)
  one('subscriptions', 'Topics that connections hear, counted for each connection.', () => delivery.subscriptions)
  one('topics_behind', 'Topics that wait for changes that are missing.', () => delivery.topicsBehind)
  one('notices_total', 'Batches of changes that were heard.', () => delivery.counts.notices)
  one('missed_notices_total', 'Batches that were lost on the way and asked for.', () => delivery.counts.missedNotices)
  one('repaired_gaps_total', 'Gaps that were filled by asking.', () => delivery.counts.repairedGaps)
  one('syncs_required_total', 'Connections told to fetch what is too much.', () => delivery.counts.syncsRequired)

  one('watched_users', 'Users whose presence is watched here.', () => presence.watchedUsers)
  one('watches', 'The same, counted for each connection that watches.', () => presence.watches)
  one('presence_told_total', 'States of users that connections were told of.', () => presence.told)
  one(
    'presence_read_again_total',
    'Users asked about again since something may have been missed.',
    () => presence.readAgain,
  )
  one('closed_beyond_cap_total', 'Connections closed because their user had too many.', () => presence.closedBeyondCap)
  each('typing_total', 'outcome', 'StartTyping that was told, and that came too soon.', () => ({
    accepted: typing.accepted,
    throttled: typing.throttled,
  }))
  one('typing_told_total', 'Events of typing that connections were told.', () => typing.told)
  one('typing_conversations', 'Conversations in which somebody types.', () => typing.conversations)

  one('revocations', 'Revocations of tokens that have not expired.', () => sessions.revocations)
  each('ended_sessions_total', 'reason', 'Connections closed with their session.', () => sessions.closed)
  each('key_age_seconds', 'issuer', 'Since the keys of an issuer were had from it.', () => identities.keyAgesSeconds)
  one('tokens_renewed_total', 'Connections that go on with a newer token.', () => sessions.renewed)

  one('limits_unasked_total', 'Times at which Redis did not count for a limit.', () => limits.unasked)
}

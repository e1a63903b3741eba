import { publishEvents, type Bus } from '@parley/bus'
import type { ConnectionRegistry, Transition } from '@parley/routing'
import type { Logger } from '@parley/runtime'
import { eventOf } from '../transition-events.ts'
import type { Counts } from '../metrics.ts'
import type { Notices } from '../notices.ts'
import { withLastSeen } from '../store/last-seen.ts'
import type { Db } from '../store/tables.ts'

/**
 * Looks at the users that are due and says how they are now, to gateways and to other services: at least once, since a
 * transition that is not acknowledged, because NATS or this process died, comes up again. One that is superseded by then is
 * skipped.
 */
export async function announceTransitions(
  using: {
    registry: Pick<ConnectionRegistry, 'settleDue' | 'acknowledge'>
    db: Db
    bus: Bus
    notices: Pick<Notices, 'tell'>
    counts: Pick<Counts, 'announced'>
    log: Logger
  },
  signal: AbortSignal,
): Promise<void> {
  const { registry, bus, notices, counts } = using
  for (let more = true; more && !signal.aborted;) {
    const { transitions, more: others } = await registry.settleDue()
    more = others
    if (transitions.length === 0) continue
    await notices.tell(await withLastSeen(using, transitions.map(stateOf)))
    const told = transitions.flatMap((transition) => {
      const event = eventOf(transition)
      return event === undefined ? [] : [{ event, id: `${transition.userId}:${transition.version}` }]
    })
    await publishEvents(
      bus,
      told.map(({ event }) => event),
      { idOf: (index) => told[index]!.id },
    )
    await registry.acknowledge(transitions)
    for (const { status } of transitions) counts.announced(status)
  }
}

/** Gateways are told how it is, not how it came about. */
const stateOf = ({ userId, status, text, lastSeenAt, visibleTo, version }: Transition) => ({
  userId,
  status,
  text,
  lastSeenAt,
  visibleTo,
  version,
})

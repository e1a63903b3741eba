import { publishEvents, recordOf, type Bus, type EventRecord } from '@parley/bus'
import { presence } from '@parley/contracts'
import type { ConnectionRegistry, Transition } from '@parley/routing'

/**
 * Looks at the users that are due and says who came and who went: at least once, since a transition that is not acknowledged,
 * because NATS or this process died, comes up again. One that is superseded by then is skipped.
 */
export async function announceTransitions(
  registry: Pick<ConnectionRegistry, 'settleDue' | 'acknowledge'>,
  bus: Bus,
  signal: AbortSignal,
): Promise<void> {
  for (let more = true; more && !signal.aborted;) {
    const { transitions, more: others } = await registry.settleDue()
    more = others
    if (transitions.length === 0) continue
    await publishEvents(bus, transitions.map(eventOf), { idOf: (index) => idOf(transitions[index]!) })
    await registry.acknowledge(transitions)
  }
}

function eventOf({ userId, status, version, at }: Transition): EventRecord {
  const declared = status === 'online' ? presence.events.userOnline : presence.events.userOffline
  return recordOf(declared, { userId }, { userId, version, at: at.toISOString() })
}

const idOf = ({ userId, version }: Transition): string => `${userId}:${version}`

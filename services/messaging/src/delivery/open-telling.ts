import { publishEvents, type Bus } from '@parley/bus'
import { openOutbox, type OutboxRow } from '@parley/postgres'
import type { SenderRouting } from '@parley/routing'
import type { Logger } from '@parley/runtime'
import type { Change, KeptChange } from '../domain/change.ts'
import { findCreations } from '../store/messages.ts'
import type { Db } from '../store/tables.ts'
import { deliveriesOf } from './deliveries-of.ts'
import { eventsOf } from './events-of.ts'
import { notifyGateways } from './notify-gateways.ts'

/** Tells the world what was committed. */
export interface Telling extends AsyncDisposable {
  /** At once, without keeping the caller waiting; what cannot be told now, or by this process, is re-driven from the outbox. */
  tell(row: OutboxRow<Change>): void
}

/**
 * A row of the outbox goes only when JetStream has stored its events **and** NATS has taken its notices. So events are told
 * at least once and possibly out of order; receivers order by `version`.
 */
export function openTelling(options: { bus: Bus; db: Db; routing: SenderRouting; log: Logger }): Telling {
  const { bus, db, routing, log } = options
  const outbox = openOutbox({ db, log, deliver })
  const telling = new Set<Promise<void>>()

  async function deliver(row: OutboxRow<Change | KeptChange>): Promise<void> {
    const changes = (await Promise.all(row.events.map(whole))).flat()
    const heardAll = routing.hasHeardAll
    // The gateways first: people wait for them.
    await notifyGateways(bus, routing, changes.flatMap(deliveriesOf))
    const events = changes.flatMap(eventsOf)
    await publishEvents(bus, events, { idOf: (index) => events[index]!.id })
    // The row stays for the relay, which tells them all once more.
    if (!heardAll) throw new Error('some gateways may not be known yet')
  }

  /** With the messages that the outbox only names. */
  async function whole(change: Change | KeptChange): Promise<Change[]> {
    if (change.kind !== 'messages-created') return [change]
    const creations = await findCreations(db, change.ids)
    return creations.map((creation) => ({ kind: 'message-created', ...creation }))
  }

  return {
    tell(row) {
      const sent = outbox.send([row]).finally(() => telling.delete(sent))
      telling.add(sent)
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(telling)
      await outbox[Symbol.asyncDispose]()
    },
  }
}

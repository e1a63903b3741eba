import { setTimeout as delay } from 'node:timers/promises'
import { publishEvents, type Bus } from '@parley/bus'
import { openOutbox, type Outbox, type OutboxRow } from '@parley/postgres'
import type { SenderRouting } from '@parley/routing'
import { repeat, type Logger } from '@parley/runtime'
import type { Change, KeptChange } from '../domain/change.ts'
import { findCreations, findMessages } from '../store/messages.ts'
import type { Db } from '../store/tables.ts'
import { deliveriesOf } from './deliveries-of.ts'
import { eventsOf } from './events-of.ts'
import { notifyGateways, repeatNumbers } from './notify-gateways.ts'
import type { NumberedNotices } from './numbered-notices.ts'
import { receiptsOf } from './receipts-of.ts'

/** Tells the world what was committed. */
export interface Telling extends AsyncDisposable {
  /** At once, without keeping the caller waiting; what cannot be told now, or by this process, is re-driven from the outbox. */
  tell(row: OutboxRow<Change>): void
  /** Resolves when not too much is being told: who commits a lot waits for it, so that the outbox does not grow. */
  untilRoom(): Promise<void>
  /** What is still to be told, by anybody. */
  measure: Outbox<Change>['measure']
}

/** Rows being told by this process. */
const MAX_AT_ONCE = 64
/** Who commits waits so long for room. When there is none then, JetStream is stuck, and the outbox must take it. */
const WAIT_FOR_ROOM_MS = 1_000
const STUCK_FOR_MS = 10_000
const REPEAT_NUMBERS_MS = 1_000

/**
 * A row of the outbox goes only when JetStream has stored its events **and** NATS has taken its notices. So events are told
 * at least once and possibly out of order; receivers order by `version`.
 */
export function openTelling(options: {
  bus: Bus
  db: Db
  routing: SenderRouting
  notices: NumberedNotices
  log: Logger
}): Telling {
  const { bus, db, routing, notices, log } = options
  const outbox = openOutbox({ db, log, deliver })
  const numbers = repeat('repeat-numbers', { everyMs: REPEAT_NUMBERS_MS, log }, async () => {
    // While NATS is away nobody hears; when it is back gateways ask for what they have missed.
    await repeatNumbers({ bus, routing, notices }).catch((error: unknown) =>
      log.debug({ error }, 'numbers not repeated'),
    )
  })
  const telling = new Set<Promise<void>>()
  let room = Promise.withResolvers<void>()
  let stuckUntil = 0

  async function deliver(row: OutboxRow<Change | KeptChange>): Promise<void> {
    const changes = (await Promise.all(row.events.map(whole))).flat()
    const heardAll = routing.hasHeardAll
    // The gateways first: people wait for them.
    await notify(changes)
    const events = changes.flatMap(eventsOf)
    await publishEvents(bus, events, { idOf: (index) => events[index]!.id })
    // The row stays for the relay, which tells them all once more.
    if (!heardAll) throw new Error('some gateways may not be known yet')
  }

  function notify(changes: readonly Change[]): Promise<void> {
    const notice = { deliveries: changes.flatMap(deliveriesOf), receipts: changes.flatMap(receiptsOf) }
    return notifyGateways({ bus, routing, notices }, notice)
  }

  /** With the messages that the outbox only names, as they are now. */
  async function whole(change: Change | KeptChange): Promise<Change[]> {
    if (change.kind === 'messages-created') {
      const creations = await findCreations(db, change.ids)
      return creations.map((creation) => ({ kind: 'message-created', ...creation }))
    }
    if (change.kind === 'message-updated' && 'id' in change) {
      const message = (await findMessages(db, [change.id])).get(change.id)
      return message === undefined ? [] : [{ kind: 'message-updated', version: change.version, message }]
    }
    return [change]
  }

  /** Without other services: those hear when the row is re-driven. */
  async function tellGateways({ events }: OutboxRow<Change>): Promise<void> {
    await notify(events).catch((error: unknown) => log.warn({ error }, 'gateways not told yet'))
  }

  return {
    tell(row) {
      const told = telling.size < MAX_AT_ONCE ? outbox.send([row]) : tellGateways(row)
      const finished = told.finally(() => {
        telling.delete(finished)
        room.resolve()
        room = Promise.withResolvers()
      })
      telling.add(finished)
    },
    async untilRoom() {
      const endsAt = performance.now() + WAIT_FOR_ROOM_MS
      while (telling.size >= MAX_AT_ONCE && performance.now() >= stuckUntil) {
        const leftMs = endsAt - performance.now()
        if (leftMs <= 0) stuckUntil = performance.now() + STUCK_FOR_MS
        else await Promise.race([room.promise, delay(leftMs, undefined, { ref: false })])
      }
    },
    measure: () => outbox.measure(),
    async [Symbol.asyncDispose]() {
      await numbers[Symbol.asyncDispose]()
      await Promise.all(telling)
      await outbox[Symbol.asyncDispose]()
    },
  }
}

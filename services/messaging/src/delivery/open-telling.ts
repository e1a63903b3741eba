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

/** Rows that wait together while others are being told. */
const MAX_WAITING = 64
/** Told together. */
const ROWS_AT_ONCE = 32
/** So the next are on their way while JetStream stores the last. */
const AT_ONCE = 3
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
  /** Committed, and to be told with the next. */
  let waiting: OutboxRow<Change>[] = []
  let running = 0
  let idle = Promise.withResolvers<void>()
  let room = Promise.withResolvers<void>()
  let stuckUntil = 0

  async function deliver(rows: readonly OutboxRow<Change | KeptChange>[]): Promise<void> {
    const changes = (await Promise.all(rows.flatMap(({ events }) => events.map(whole)))).flat()
    const heardAll = routing.hasHeardAll
    // The gateways first: people wait for them.
    await notify(changes)
    const events = changes.flatMap(eventsOf)
    await publishEvents(bus, events, { idOf: (index) => events[index]!.id })
    // The rows stay for the relay, which tells them all once more.
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

  /** Tells what waits, and what comes meanwhile after that. */
  async function tellWaiting(): Promise<void> {
    running += 1
    while (waiting.length > 0) {
      const rows = waiting.splice(0, ROWS_AT_ONCE)
      room.resolve()
      room = Promise.withResolvers()
      await outbox.send(rows)
    }
    running -= 1
    if (running === 0) idle.resolve()
  }

  /** Without other services: those hear when the row is re-driven. */
  async function tellGateways({ events }: OutboxRow<Change>): Promise<void> {
    await notify(events).catch((error: unknown) => log.warn({ error }, 'gateways not told yet'))
  }

  return {
    tell(row) {
      if (waiting.length >= MAX_WAITING) return void tellGateways(row)
      waiting.push(row)
      if (running === 0) idle = Promise.withResolvers()
      if (running < AT_ONCE) void tellWaiting()
    },
    async untilRoom() {
      const endsAt = performance.now() + WAIT_FOR_ROOM_MS
      while (waiting.length >= MAX_WAITING && performance.now() >= stuckUntil) {
        const leftMs = endsAt - performance.now()
        if (leftMs <= 0) stuckUntil = performance.now() + STUCK_FOR_MS
        else await Promise.race([room.promise, delay(leftMs, undefined, { ref: false })])
      }
    },
    measure: () => outbox.measure(),
    async [Symbol.asyncDispose]() {
      await numbers[Symbol.asyncDispose]()
      if (running > 0) await idle.promise
      await outbox[Symbol.asyncDispose]()
    },
  }
}

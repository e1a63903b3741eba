import { subjectOf, type Contract, type Event, type PayloadOf } from '@parley/contracts'
import { headers, nanos, NatsError, RetentionPolicy, StorageType, type MsgHdrs } from 'nats'
import type { Bus } from './bus.ts'
import { encodeJson } from './wire.ts'

/** JetStream is transport, not the record: long enough for a hearer to be away over a weekend. */
export const MAX_AGE_MS = 3 * 24 * 60 * 60 * 1000
export const STREAM_NOT_FOUND = 10_059

/** An event ready to be stored or published: its subject filled in, its payload checked. */
export interface EventRecord {
  readonly subject: string
  readonly payload: unknown
}

export function recordOf<E extends Event>(
  declared: E,
  parameters: Readonly<Record<string, string>>,
  payload: PayloadOf<E>,
): EventRecord {
  return { subject: subjectOf(declared, parameters), payload: declared.payload.parse(payload) }
}

/** The stream of a service's events, made or brought up to date by its owner at its start. Its name is the service's, in upper case. */
export async function ensureStream(bus: Bus, contract: Contract): Promise<void> {
  const name = contract.service.toUpperCase()
  const settings = { subjects: [`${contract.service}.event.>`], max_age: nanos(MAX_AGE_MS) }
  const { streams } = await bus.nats.jetstreamManager()
  try {
    await streams.update(name, settings)
  } catch (error) {
    if (!(error instanceof NatsError) || error.api_error?.err_code !== STREAM_NOT_FOUND) throw error
    await streams.add({ name, ...settings, storage: StorageType.File, retention: RetentionPolicy.Limits })
  }
}

/**
 * Resolves when JetStream has stored all of them. The ids, where there are any, make a repetition within two minutes a duplicate that JetStream
 * itself drops; hearers must be ready for repetitions all the same.
 */
export async function publishEvents(
  bus: Bus,
  events: readonly EventRecord[],
  options: { idOf: (index: number) => string | undefined },
): Promise<void> {
  if (events.length === 0) return
  await bus.whileConnected(() => {
    const { replyTo, stored } = bus.acknowledgements.expect(events.length)
    try {
      events.forEach(({ subject, payload }, index) => {
        const id = options.idOf(index)
        bus.nats.publish(subject, encodeJson(payload), { reply: replyTo, ...(id !== undefined && identifiedBy(id)) })
      })
    } catch (error) {
      // What is too large for NATS: of the others nobody needs to know.
      stored.catch(() => undefined)
      throw error
    }
    return stored
  })
}

function identifiedBy(id: string): { headers: MsgHdrs } {
  const identified = headers()
  identified.set('Nats-Msg-Id', id)
  return { headers: identified }
}

/** The same for rows of an outbox, whose ids make the events' ids: delivered again, they are duplicates. */
export function publishRows(
  bus: Bus,
  rows: readonly { readonly id: number; readonly events: readonly EventRecord[] }[],
): Promise<void> {
  const identified = rows.flatMap(({ id, events }) => events.map((event, index) => ({ event, id: `${id}-${index}` })))
  return publishEvents(
    bus,
    identified.map(({ event }) => event),
    { idOf: (index) => identified[index]!.id },
  )
}

import { subjectOf, type Contract, type Event, type PayloadOf } from '@parley/contracts'
import { nanos, NatsError, RetentionPolicy, StorageType } from 'nats'
import type { Bus } from './bus.ts'
import { encodeJson } from './wire.ts'

/** JetStream is transport, not the record: long enough for a hearer to be away over a weekend. */
const MAX_AGE_MS = 3 * 24 * 60 * 60 * 1000
const PUBLISH_TIMEOUT_MS = 5_000
const STREAM_NOT_FOUND = 10_059

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
  const stream = bus.nats.jetstream()
  await bus.whileConnected(() =>
    Promise.all(
      events.map(({ subject, payload }, index) => {
        const msgID = options.idOf(index)
        return stream.publish(subject, encodeJson(payload), {
          ...(msgID === undefined ? {} : { msgID }),
          timeout: PUBLISH_TIMEOUT_MS,
        })
      }),
    ),
  )
}

/** The same for a row of an outbox, whose id makes the events' ids: delivered again, it is a duplicate. */
export function publishRow(
  bus: Bus,
  row: { readonly id: number; readonly events: readonly EventRecord[] },
): Promise<void> {
  return publishEvents(bus, row.events, { idOf: (index) => `${row.id}-${index}` })
}

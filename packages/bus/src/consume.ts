import { setTimeout as delay } from 'node:timers/promises'
import type { Contract, Event, PayloadOf } from '@parley/contracts'
import { repeat } from '@parley/runtime'
import { AckPolicy, DeliverPolicy, nanos, NatsError, type Consumer, type JsMsg } from 'nats'
import { BusError } from './bus-error.ts'
import type { Bus } from './bus.ts'
import { STREAM_NOT_FOUND } from './events.ts'
import { decodeAs } from './wire.ts'

const BATCH_EVENTS = 100
/** How long one request waits for events. */
const FETCH_MS = 5_000
/** An event that a process took and did not finish with comes to another one after so long. */
const FINISHED_WITHIN_MS = 30_000
const AGAIN_AFTER_MS = 2_000
const RETRY_MS = 1_000

/**
 * Hears one kind of another service's events, also those told while nobody of this service was there, for as long as their
 * stream keeps them. The instances of a service share them. Each comes at least once and possibly out of order, and comes again
 * while its handler throws. The stream may come later than its hearers.
 */
export function consume<E extends Event>(
  bus: Bus,
  of: { readonly contract: Contract; readonly event: E },
  handler: (payload: PayloadOf<E>) => Promise<void>,
): AsyncDisposable {
  const { subject, payload } = of.event
  const stream = of.contract.service.toUpperCase()
  const name = `${bus.service}-${subject.split('.')[2]}`
  let consumer: Consumer | undefined

  async function open(): Promise<Consumer> {
    const { consumers } = await bus.nats.jetstreamManager()
    await consumers.add(stream, {
      durable_name: name,
      filter_subject: subject.replaceAll(/\{\w+\}/g, '*'),
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(FINISHED_WITHIN_MS),
      deliver_policy: DeliverPolicy.All,
    })
    return await bus.nats.jetstream().consumers.get(stream, name)
  }

  async function hear(message: JsMsg): Promise<void> {
    try {
      await handler(decodeAs(payload, message.data, message.subject) as PayloadOf<E>)
      message.ack()
    } catch (error) {
      bus.log.error({ error, subject: message.subject }, 'event could not be heard')
      // What is not as agreed will not be so the next time.
      if (error instanceof BusError && error.code === 'malformed') message.term()
      else message.nak(AGAIN_AFTER_MS)
    }
  }

  async function hearSome(signal: AbortSignal): Promise<void> {
    consumer ??= await open()
    const messages = await consumer.fetch({ max_messages: BATCH_EVENTS, expires: FETCH_MS })
    const stop = () => messages.stop()
    signal.addEventListener('abort', stop)
    try {
      if (signal.aborted) stop()
      for await (const message of messages) await hear(message)
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  return repeat(`consume-${name}`, { everyMs: 0, retryMs: RETRY_MS, log: bus.log }, async (signal) => {
    const stopping = new AbortController()
    const hearing = () => hearSome(AbortSignal.any([signal, stopping.signal]))
    try {
      await bus.whileConnected(hearing)
    } catch (error) {
      stopping.abort()
      consumer = undefined
      if (!isNotThere(error)) throw error
      bus.log.debug({ error, consumer: name }, 'there is nothing to hear events from')
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined)
    }
  })
}

/** NATS is away, or the events have no stream yet. */
const isNotThere = (error: unknown): boolean =>
  (error instanceof BusError && error.code === 'unavailable') ||
  (error instanceof NatsError && error.api_error?.err_code === STREAM_NOT_FOUND)

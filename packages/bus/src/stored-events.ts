import type { Contract } from '@parley/contracts'
import { millis } from 'nats'
import { z } from 'zod'
import { BusError } from './bus-error.ts'
import type { Bus } from './bus.ts'
import { MAX_AGE_MS, STREAM_NOT_FOUND } from './events.ts'
import { decodeAs, decodeJson, encodeJson } from './wire.ts'

/** Which of the events that a service's own stream keeps. */
export interface WhichEvents {
  /** May hold wildcards. */
  readonly subject: string
  readonly isOf: (payload: EventPayload, subject: string) => boolean
}

export type EventPayload = Readonly<Record<string, unknown>>

export interface StoredEvent {
  /** Its place in the stream. */
  readonly sequence: number
  readonly isOf: boolean
}

const NO_MESSAGE_FOUND = 10_037
const SEQUENCE_NOT_FOUND = 10_043
const MESSAGE_DELETE_FAILED = 10_057
const TIMEOUT_MS = 5_000
const SLACK_MS = 60 * 60 * 1_000

const error = z.object({ err_code: z.int(), description: z.string() }).optional()
const Info = z.object({ error, state: z.object({ last_seq: z.int() }).optional() })
const Ages = z.object({
  error,
  config: z.object({ max_age: z.int() }).optional(),
  state: z.object({ messages: z.int(), first_ts: z.string() }).optional(),
})
const Got = z.object({
  error,
  message: z.object({ subject: z.string(), seq: z.int(), data: z.base64().optional() }).optional(),
})
const Deleted = z.object({ error })
const Purged = z.object({ error, purged: z.int().optional() })
const Payload = z.record(z.string(), z.unknown())

/**
 * Goes through the events of a subject that are stored now, the oldest first, from a place in the stream on. Those of a stream
 * that does not exist are none.
 */
export async function* storedEvents(
  bus: Bus,
  contract: Contract,
  { subject, isOf }: WhichEvents,
  after = 0,
): AsyncGenerator<StoredEvent> {
  const { state } = await askStream(bus, contract, 'INFO', {}, Info, [STREAM_NOT_FOUND])
  // Whatever comes meanwhile is not waited for: a stream may grow as fast as it is gone through.
  const last = state?.last_seq ?? 0
  for (let seq = after + 1; seq <= last;) {
    const asked = { seq, next_by_subj: subject }
    const { message } = await askStream(bus, contract, 'MSG.GET', asked, Got, [STREAM_NOT_FOUND, NO_MESSAGE_FOUND])
    if (message === undefined || message.seq > last) return
    const payload = payloadIn(message.data)
    yield { sequence: message.seq, isOf: payload !== undefined && isOf(payload, message.subject) }
    seq = message.seq + 1
  }
}

/** Deletes and overwrites an event. False when another has deleted it meanwhile, or it has become too old. */
export async function eraseEvent(bus: Bus, contract: Contract, seq: number): Promise<boolean> {
  const gone = [SEQUENCE_NOT_FOUND, NO_MESSAGE_FOUND, STREAM_NOT_FOUND]
  // Unless it is told otherwise, JetStream overwrites what it deletes.
  const { error } = await askStream(bus, contract, 'MSG.DELETE', { seq }, Deleted, [...gone, MESSAGE_DELETE_FAILED])
  if (error?.err_code !== MESSAGE_DELETE_FAILED) return error === undefined
  // It does not say why: because it is gone, or because it cannot be deleted.
  const { message } = await askStream(bus, contract, 'MSG.GET', { seq }, Got, gone)
  if (message === undefined) return false
  throw new BusError('unavailable', `an event was not deleted: ${error.description}`)
}

/**
 * Deletes all events of a subject, which may hold wildcards, at once. They are not overwritten: what they said stays in the
 * files of JetStream until it tidies these up. Answers how many.
 */
export async function purgeEvents(bus: Bus, contract: Contract, subject: string): Promise<number> {
  const { purged = 0 } = await askStream(bus, contract, 'PURGE', { filter: subject }, Purged, [STREAM_NOT_FOUND])
  return purged
}

/** Whether a service's own stream keeps events for longer than `ensureStream` has made it for, or would: it was changed by hand. */
export async function keepsEventsTooLong(bus: Bus, contract: Contract): Promise<boolean> {
  const { config, state } = await askStream(bus, contract, 'INFO', {}, Ages, [STREAM_NOT_FOUND])
  if (config === undefined || state === undefined) return false
  const isKeptTooLong = config.max_age === 0 || millis(config.max_age) > MAX_AGE_MS
  const oldestAt = state.messages === 0 ? Infinity : Date.parse(state.first_ts)
  return isKeptTooLong || oldestAt < Date.now() - MAX_AGE_MS - SLACK_MS
}

/** Asks JetStream about the service's own stream. What it may say without doing it is answered, all else is thrown. */
async function askStream<Schema extends z.ZodType<z.output<typeof Deleted>>>(
  bus: Bus,
  { service }: Contract,
  verb: string,
  asked: object,
  schema: Schema,
  expected: readonly number[],
): Promise<z.output<Schema>> {
  const subject = `$JS.API.STREAM.${verb}.${service.toUpperCase()}`
  const answer = await bus.whileConnected(async () => {
    try {
      return await bus.nats.request(subject, encodeJson(asked), { timeout: TIMEOUT_MS })
    } catch (error) {
      throw new BusError('unavailable', `${subject}: not answered`, { cause: error })
    }
  })
  const answered = decodeAs(schema, answer.data, subject)
  if (answered.error === undefined || expected.includes(answered.error.err_code)) return answered
  throw new BusError('unavailable', `${subject}: ${answered.error.description}`)
}

/** Undefined for what no contract of ours could have written. */
function payloadIn(data: string | undefined): EventPayload | undefined {
  try {
    return Payload.parse(decodeJson(Buffer.from(data ?? '', 'base64')))
  } catch {
    return undefined
  }
}

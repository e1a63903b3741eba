import { createInbox, type Msg, type NatsConnection } from 'nats'
import { BusError } from './bus-error.ts'

/** The acknowledgements of JetStream for what one connection publishes, all on one inbox, counted batch by batch. */
export interface StoredAcknowledgements {
  /** Where those of a batch are to be sent, and a promise that they have come. It fails with the first that says no. */
  expect(count: number): { readonly replyTo: string; readonly stored: Promise<void> }
}

interface Batch {
  missing: number
  readonly resolve: () => void
  readonly reject: (error: BusError) => void
  readonly timer: NodeJS.Timeout
}

/** A promise, a timer and a subscription's entry for each event would cost several times what publishing it does. */
export function countAcknowledgements(
  nats: NatsConnection,
  options: { inboxPrefix: string; timeoutMs: number },
): StoredAcknowledgements {
  const inbox = createInbox(options.inboxPrefix)
  const batches = new Map<string, Batch>()
  let lastBatch = 0
  nats.subscribe(`${inbox}.*`, {
    callback(error, message) {
      const replyTo = message.subject
      const batch = batches.get(replyTo)
      if (batch === undefined) return
      const refusal = error === null ? refusalIn(message) : error.message
      if (refusal === undefined) batch.missing -= 1
      if (refusal === undefined && batch.missing > 0) return
      batches.delete(replyTo)
      clearTimeout(batch.timer)
      if (refusal === undefined) batch.resolve()
      else batch.reject(new BusError('unavailable', `events were not stored: ${refusal}`))
    },
  })

  return {
    expect(count) {
      const replyTo = `${inbox}.${(lastBatch += 1)}`
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const timer = setTimeout(() => {
        batches.delete(replyTo)
        reject(new BusError('timeout', 'events were not stored in time'))
      }, options.timeoutMs)
      batches.set(replyTo, { missing: count, resolve, reject, timer })
      return { replyTo, stored: promise }
    },
  }
}

/** Nobody listens to the subject, or the stream could not store it. */
function refusalIn(message: Msg): string | undefined {
  if (message.headers?.hasError === true) return message.headers.description
  const { error } = message.json<{ error?: { description?: string } }>()
  return error === undefined ? undefined : (error.description ?? 'refused')
}

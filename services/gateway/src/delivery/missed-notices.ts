import { must, type Callers } from '@parley/bus'
import type { DeliveryBatch, messaging, ReceiptsDelivery } from '@parley/contracts'
import { repeat, type Logger } from '@parley/runtime'
import type { DeliveryCounts } from './delivery-counts.ts'
import type { ChangedTopics } from './changed-topics.ts'
import { MAX_MISSING, NoticeNumbers } from './notice-numbers.ts'
import type { TopicStreams } from './topic-streams.ts'

/** Notices what was lost on the way, and finds out what it was. */
export interface MissedNotices extends AsyncDisposable {
  /** To be called with every batch, under the id of this gateway that it was sent to, before what it carries is delivered. */
  hear(gatewayId: number, batch: DeliveryBatch): void
  /** NATS was away: what senders said meanwhile is looked for by others. */
  forgive(): void
}

interface Sender {
  readonly gatewayId: number
  readonly senderId: string
  readonly numbers: NoticeNumbers
  heardAt: number
  /** Nothing that it had said by then is missing. */
  wholeAt: number
  /** Since when something is missing. */
  missedAt: number | undefined
  /** It fell silent, and what it may have said at last has been looked for. */
  isSilent: boolean
  asking: boolean
}

/** How long a missing number may come late: notices may overtake each other. */
const PATIENCE_MS = 100
const LOOK_EVERY_MS = 50
/** A sender repeats its last number every second. */
const SILENT_AFTER_MS = 3_500
/** All gateways hear the same sender fall silent. */
const SILENCE_JITTER_MS = 500
const FORGOTTEN_AFTER_MS = 10 * 60_000

export function noticeMissed(options: {
  streams: Pick<TopicStreams, 'compare'>
  receipts: { receive(delivery: ReceiptsDelivery): void }
  calls: Pick<Callers<typeof messaging>, 'listNotices'>
  changed: ChangedTopics
  counts: Pick<DeliveryCounts, 'missedNotices'>
  log: Logger
}): MissedNotices {
  const { streams, receipts, calls, changed, counts, log } = options
  const senders = new Map<string, Sender>()
  const recalling = new Set<Promise<unknown>>()

  function senderOf(gatewayId: number, senderId: string): Sender {
    const key = `${gatewayId} ${senderId}`
    const known = senders.get(key)
    if (known !== undefined) return known
    const now = performance.now()
    const numbers = new NoticeNumbers()
    const asked = { isSilent: false, asking: false }
    const sender = { gatewayId, senderId, numbers, heardAt: now, wholeAt: now, missedAt: undefined, ...asked }
    senders.set(key, sender)
    return sender
  }

  /** To be called after whatever changes what is missing. */
  function note(sender: Sender): void {
    if (sender.numbers.missing.size > 0) sender.missedAt ??= performance.now()
    else {
      sender.missedAt = undefined
      sender.wholeAt = sender.heardAt
    }
  }

  async function look(): Promise<void> {
    const now = performance.now()
    for (const [key, sender] of senders) {
      const silentMs = now - sender.heardAt
      if (silentMs > FORGOTTEN_AFTER_MS) senders.delete(key)
      else if (sender.missedAt !== undefined) {
        if (now - sender.missedAt >= PATIENCE_MS) void ask(sender)
      } else if (silentMs >= SILENT_AFTER_MS && !sender.isSilent) {
        sender.isSilent = true
        void changed.checkSince(sender.wholeAt, { withinMs: SILENCE_JITTER_MS })
      }
    }
  }

  /** Asks the sender itself; what it does not know any more, or nobody answers, is looked for by time. */
  async function ask(sender: Sender): Promise<void> {
    if (sender.asking) return
    sender.asking = true
    const { gatewayId, senderId, numbers, wholeAt } = sender
    const missing = [...numbers.missing]
    try {
      counts.missedNotices += missing.length
      log.info({ senderId, missing: missing.length }, 'notices were missed')
      const isKnown = missing.length < MAX_MISSING && (await recall({ gatewayId, senderId, numbers: missing }))
      if (!isKnown) await changed.checkSince(wholeAt)
    } finally {
      numbers.settle(missing)
      sender.asking = false
      sender.missedAt = undefined
      note(sender)
    }
  }

  /** False when not everything could be told. */
  async function recall(request: { gatewayId: number; senderId: string; numbers: number[] }): Promise<boolean> {
    const answer = calls.listNotices(request)
    recalling.add(answer)
    try {
      const recalled = must(await answer)
      for (const { topic, version } of recalled.topics) streams.compare(topic, version)
      for (const delivery of recalled.receipts) receipts.receive(delivery)
      return !recalled.forgotten
    } catch (error) {
      log.info({ error, senderId: request.senderId }, 'missed notices could not be recalled')
      return false
    } finally {
      recalling.delete(answer)
    }
  }

  const looking = repeat('look-for-missed-notices', { everyMs: LOOK_EVERY_MS, log }, look)
  return {
    hear(gatewayId, { senderId, number, deliveries, receipts: carried }) {
      const sender = senderOf(gatewayId, senderId)
      sender.heardAt = performance.now()
      sender.isSilent = false
      if (deliveries.length + carried.length > 0) sender.numbers.hear(number)
      else sender.numbers.hearLast(number)
      note(sender)
    },
    forgive() {
      for (const sender of senders.values()) {
        sender.heardAt = performance.now()
        note(sender)
      }
    },
    async [Symbol.asyncDispose]() {
      await looking[Symbol.asyncDispose]()
      await Promise.allSettled(recalling)
    },
  }
}

import { randomUUID } from 'node:crypto'
import type { Delivery, DeliveryBatch, ReceiptsDelivery } from '@parley/contracts'

/** What one notice is to carry. */
export interface Notice {
  readonly deliveries: readonly Delivery[]
  readonly receipts: readonly ReceiptsDelivery[]
}

/** What was in notices that somebody has missed. */
export interface Recalled {
  readonly topics: { topic: string; version: number }[]
  readonly receipts: ReceiptsDelivery[]
  /** Some are not known any more, or never were, or were too much to be told here. */
  readonly forgotten: boolean
}

/**
 * Numbers what this process says to each gateway from 1, and remembers for a while what it was: so a gateway notices whatever
 * is lost on the way, and can ask for just that. Of changes it remembers which topic and version; their owner has the rest.
 */
export interface NumberedNotices {
  /** New with each process. */
  readonly senderId: string
  number(gatewayId: number, notice: Notice): DeliveryBatch
  /** How many have got a number. */
  readonly numbered: number
  /** Says which number was the last one, and carries nothing. */
  repeatLast(gatewayId: number): DeliveryBatch
  recall(gatewayId: number, numbers: readonly number[]): Recalled
}

interface Remembered {
  readonly at: number
  /** The highest version of each topic. */
  readonly versions: ReadonlyMap<string, number>
  readonly receipts: readonly ReceiptsDelivery[]
}

const REMEMBER_MS = 60_000
/** Topics and receipts in all that is remembered. */
const MAX_REMEMBERED = 500_000
/** The same in one answer, which so has less than 1 MB: what NATS carries. One notice is never as much. */
const MAX_RECALLED = 5_000

export function numberNotices(
  bounds: { rememberMs?: number; maxRemembered?: number; now?: () => number } = {},
): NumberedNotices {
  const { rememberMs = REMEMBER_MS, maxRemembered = MAX_REMEMBERED, now = () => performance.now() } = bounds
  const senderId = randomUUID()
  // A number each for every gateway that ever was: few, and a gateway that comes back must not hear old numbers again.
  const lasts = new Map<number, number>()
  /** The oldest first. */
  const remembered = new Map<string, Remembered>()
  let size = 0
  let numbered = 0

  function remember(key: string, notice: Remembered): void {
    remembered.set(key, notice)
    size += sizeOf(notice)
    for (const [oldest, old] of remembered) {
      if (size <= maxRemembered && notice.at - old.at < rememberMs) return
      remembered.delete(oldest)
      size -= sizeOf(old)
    }
  }

  return {
    senderId,
    number(gatewayId, { deliveries, receipts }) {
      numbered += 1
      const number = (lasts.get(gatewayId) ?? 0) + 1
      lasts.set(gatewayId, number)
      const versions = new Map<string, number>()
      for (const { topic, version } of deliveries) versions.set(topic, Math.max(versions.get(topic) ?? 0, version))
      remember(keyOf(gatewayId, number), { at: now(), versions, receipts })
      return { senderId, number, deliveries, receipts }
    },
    get numbered() {
      return numbered
    },
    repeatLast: (gatewayId) => ({ senderId, number: lasts.get(gatewayId) ?? 0, deliveries: [], receipts: [] }),
    recall(gatewayId, numbers) {
      const known: Remembered[] = []
      let recalled = 0
      for (const number of numbers) {
        const notice = remembered.get(keyOf(gatewayId, number))
        if (notice === undefined || now() - notice.at >= rememberMs) continue
        recalled += sizeOf(notice)
        if (recalled > MAX_RECALLED) break
        known.push(notice)
      }
      const versions = new Map<string, number>()
      for (const notice of known) {
        for (const [topic, version] of notice.versions) {
          versions.set(topic, Math.max(versions.get(topic) ?? 0, version))
        }
      }
      return {
        topics: [...versions].map(([topic, version]) => ({ topic, version })),
        receipts: known.flatMap(({ receipts }) => receipts),
        forgotten: known.length < numbers.length,
      }
    },
  }
}

const keyOf = (gatewayId: number, number: number): string => `${gatewayId} ${number}`

const sizeOf = ({ versions, receipts }: Remembered): number =>
  receipts.reduce((total, advance) => total + 1 + advance.receipts.length, 1 + versions.size)

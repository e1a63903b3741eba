import type { Announcement } from './announcement.ts'

/** What gateways say of themselves: who lives, and whose registration in Redis is whole. */
export interface AnnouncedGateways {
  hear(announcement: Announcement): void
  /** What was said so far may be out of date: believe only what is said from now on. */
  distrust(): void
  /** Heard lately: certainly alive. */
  heardLately(gatewayId: number): boolean
  /** How many were. */
  readonly alive: number
  /** All that were heard and not forgotten. Those not heard lately are alive only if their lease is. */
  all(): number[]
  forget(gatewayIds: Iterable<number>): void
  /**
   * By gateway, the epochs under which it is registered, as said no longer ago than this. A gateway that is not in here must
   * be taken for unregistered.
   */
  registered(withinMs: number): Map<number, string>
}

/** Three announcements missed. */
const SILENT_AFTER_MS = 6_000
/** So long is a silent gateway remembered while Redis is away and cannot tell of its lease. */
const FORGOTTEN_AFTER_MS = 60_000

export function hearGateways(silentAfterMs = SILENT_AFTER_MS): AnnouncedGateways {
  const heard = new Map<number, { at: number; announcement: Announcement }>()
  let believedFrom = 0

  function heardLately(gatewayId: number): boolean {
    const last = heard.get(gatewayId)
    return last !== undefined && performance.now() - last.at < silentAfterMs
  }

  return {
    hear(announcement) {
      heard.set(announcement.gatewayId, { at: performance.now(), announcement })
    },
    distrust() {
      believedFrom = performance.now()
    },
    heardLately,
    get alive() {
      return heard.keys().filter(heardLately).toArray().length
    },
    all() {
      const now = performance.now()
      for (const [gatewayId, { at }] of heard) {
        if (now - at >= FORGOTTEN_AFTER_MS) heard.delete(gatewayId)
      }
      return [...heard.keys()]
    },
    forget(gatewayIds) {
      for (const gatewayId of gatewayIds) heard.delete(gatewayId)
    },
    registered(withinMs) {
      const now = performance.now()
      const found = new Map<number, string>()
      for (const [gatewayId, { at, announcement }] of heard) {
        if (!announcement.registered || at < believedFrom || now - at >= withinMs) continue
        found.set(gatewayId, announcement.redisEpoch)
      }
      return found
    },
  }
}

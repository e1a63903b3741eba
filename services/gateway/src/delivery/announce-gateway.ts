import { flush, notify, type Bus } from '@parley/bus'
import { gateway, type Announcement } from '@parley/contracts'
import { repeat, type Logger, type Repeating } from '@parley/runtime'

const EVERY_MS = 2_000

const encoder = new TextEncoder()

/** Tells all senders that this gateway lives, and whether its interest in Redis can be trusted. Resolves when NATS has it. */
export async function announceGateway(bus: Bus, announcement: Announcement): Promise<void> {
  notify(bus, gateway.notices.announced, {}, encoder.encode(JSON.stringify(announcement)))
  await flush(bus)
}

export function startAnnouncing(options: { bus: Bus; announcement: () => Announcement; log: Logger }): Repeating {
  const { bus, announcement, log } = options
  return repeat('announce-gateway', { everyMs: EVERY_MS, log }, () => announceGateway(bus, announcement()))
}

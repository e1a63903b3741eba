import { notify, type Bus } from '@parley/bus'
import { gateway, type Announcement } from '@parley/contracts'
import { repeat, type Logger, type Repeating } from '@parley/runtime'

const EVERY_MS = 2_000

/** Tells all senders that this gateway lives, and whether its interest in Redis can be trusted. */
export function startAnnouncing(options: { bus: Bus; announcement: () => Announcement; log: Logger }): Repeating {
  const encoder = new TextEncoder()
  return repeat('announce-gateway', { everyMs: EVERY_MS, log: options.log }, async () => {
    notify(options.bus, gateway.notices.announced, {}, encoder.encode(JSON.stringify(options.announcement())))
  })
}

import { Announcement, gateway } from '@parley/contracts'
import type { Bus } from './bus.ts'
import { listen } from './notices.ts'

/**
 * Tells a router which gateways live, and whether their interest in Redis can be trusted. While NATS was away, announcements
 * were missed.
 */
export async function hearGateways(
  bus: Bus,
  router: { hear(announcement: Announcement): void; distrust(): void },
): Promise<AsyncDisposable> {
  bus.onReconnect(() => router.distrust())
  return listen(bus, gateway.notices.announced, {}, (data) => {
    router.hear(Announcement.parse(JSON.parse(decoder.decode(data))))
  })
}

const decoder = new TextDecoder()

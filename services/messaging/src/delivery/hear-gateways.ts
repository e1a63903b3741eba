import { listen, type Bus } from '@parley/bus'
import { Announcement, gateway } from '@parley/contracts'
import type { SenderRouting } from '@parley/routing'

/** Hears which gateways live and whether their interest in Redis can be trusted. While NATS was away, announcements were missed. */
export async function hearGateways(
  bus: Bus,
  routing: Pick<SenderRouting, 'hear' | 'distrust'>,
): Promise<AsyncDisposable> {
  bus.onReconnect(() => routing.distrust())
  return listen(bus, gateway.notices.announced, {}, (data) => {
    routing.hear(Announcement.parse(JSON.parse(decoder.decode(data))))
  })
}

const decoder = new TextDecoder()

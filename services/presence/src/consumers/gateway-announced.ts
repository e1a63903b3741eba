import { listen, type Bus } from '@parley/bus'
import { Announcement, gateway } from '@parley/contracts'
import type { ConnectionRegistry } from '@parley/routing'

/** Hears which gateways live and whether Redis holds all their connections. While NATS was away, announcements were missed. */
export async function hearGateways(
  bus: Bus,
  registry: Pick<ConnectionRegistry, 'hear' | 'distrust'>,
): Promise<AsyncDisposable> {
  bus.onReconnect(() => registry.distrust())
  return listen(bus, gateway.notices.announced, {}, (data) => {
    registry.hear(Announcement.parse(JSON.parse(decoder.decode(data))))
  })
}

const decoder = new TextDecoder()

import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { HubRefusal, refuseUpgrade } from './hub-refusal.ts'

/** Takes an upgrade; false if it is not meant for it. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean

interface AttachedHubs {
  readonly handlers: Set<UpgradeHandler>
  readonly listener: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

const attached = new WeakMap<Server, AttachedHubs>()

/**
 * Hands the upgrades of an HTTP server to a hub, until the answer is called. The hubs of a server share a listener, so
 * that an upgrade that none of them wants is refused, unless somebody else listens who may want it.
 */
export function attachHub(server: Server, handler: UpgradeHandler): () => void {
  const { handlers, listener } = attached.get(server) ?? listenTo(server)
  handlers.add(handler)
  return () => {
    handlers.delete(handler)
    if (handlers.size > 0) return
    server.off('upgrade', listener)
    attached.delete(server)
  }
}

function listenTo(server: Server): AttachedHubs {
  const handlers = new Set<UpgradeHandler>()
  const listener = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    for (const handler of handlers) if (handler(request, socket, head)) return
    // Nobody else would ever answer.
    if (server.listenerCount('upgrade') === 1) refuseUpgrade(socket, new HubRefusal(404))
  }
  server.on('upgrade', listener)
  const hubs = { handlers, listener }
  attached.set(server, hubs)
  return hubs
}

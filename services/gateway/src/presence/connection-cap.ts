import { notify, type Bus } from '@parley/bus'
import { ConnectionsToClose, gateway } from '@parley/contracts'
import type { HubEvent } from '@parley/protocol'
import type { GatewayRouting } from '@parley/routing'
import type { Clock, Logger } from '@parley/runtime'
import { hearOwnNotices } from '../hear-own-notices.ts'
import type { ChatConnection } from '../hub/chat-connection.ts'

type Place = Awaited<ReturnType<GatewayRouting['addConnection']>>['beyond'][number]

/** How many connections a user may have on all gateways together: the newest win, and the others are told why they are closed. */
export interface ConnectionCap {
  /** After a connection was added, with those of its user that Redis knows to be beyond the cap. */
  keep(added: ChatConnection, beyond: readonly Place[]): void
  readonly figures: { readonly closed: number }
}

export async function openConnectionCap(options: {
  bus: Bus
  routing: Pick<GatewayRouting, 'gatewayId' | 'onNewIdentity' | 'isSelf'>
  connectionsPerUser: number
  /** A user's connections here, the newest first. */
  connectionsOf: (userId: string) => readonly ChatConnection[]
  find: (connectionId: string) => ChatConnection | undefined
  clock: Clock
  log: Logger
}): Promise<ConnectionCap & AsyncDisposable> {
  const { bus, routing, connectionsPerUser, connectionsOf, find, clock, log } = options
  const figures = { closed: 0 }
  const reason = 'too_many_connections'

  function close(connection: ChatConnection | undefined): void {
    if (connection === undefined || connection.hasEnded) return
    figures.closed += 1
    connection.send('SessionEnding', { reason, at: clock.now().toISOString() } satisfies HubEvent<'SessionEnding'>)
    connection.close({ error: `${reason}: The user has more than ${connectionsPerUser} connections.` })
  }

  function closeElsewhere(gatewayId: number, places: readonly Place[]): void {
    const asked: ConnectionsToClose = { connectionIds: places.map(({ connectionId }) => connectionId), reason }
    try {
      notify(
        bus,
        gateway.notices.closeConnections,
        { gatewayId: String(gatewayId) },
        encoder.encode(JSON.stringify(asked)),
      )
    } catch (error) {
      // The next connection of the user leads to it again.
      log.warn({ error, gatewayId }, 'connections beyond the cap not closed')
    }
  }

  const hearing = await hearOwnNotices({
    bus,
    routing,
    notice: gateway.notices.closeConnections,
    hear(data) {
      const { connectionIds } = ConnectionsToClose.parse(JSON.parse(decoder.decode(data)))
      for (const connectionId of connectionIds) close(find(connectionId))
    },
  })
  return {
    figures,
    keep(added, beyond) {
      // Also while Redis is away, which knows of no others then.
      const here = connectionsOf(added.identity.actor.userId).filter(({ hasEnded }) => !hasEnded)
      for (const connection of here.slice(connectionsPerUser)) close(connection)
      for (const [gatewayId, places] of Map.groupBy(beyond, (place) => place.gatewayId)) {
        if (routing.isSelf(gatewayId)) for (const { connectionId } of places) close(find(connectionId))
        else closeElsewhere(gatewayId, places)
      }
    },
    [Symbol.asyncDispose]: () => hearing[Symbol.asyncDispose](),
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

import type { GatewayRouting } from '@parley/routing'
import type { Logger } from '@parley/runtime'
import { createHubServer, type Hub, type HubServer } from '@parley/signalr'
import type { AllowOrigin } from '../http/allowed-origin.ts'
import { authenticateHub } from '../identity/authenticate-hub.ts'
import type { ConnectionTickets } from '../identity/connection-tickets.ts'
import { isSameIdentity, type Identity } from '../identity/identity.ts'
import type { VerifyToken } from '../identity/verify-token.ts'
import type { AddressOf } from '../limits/client-address.ts'
import type { Limits } from '../limits/open-limits.ts'
import { signedTokens } from './connection-tokens.ts'
import { forwardConnections } from './forward-connections.ts'
import { limitConnecting } from './limit-connecting.ts'

export const HUB_PATH = '/hubs/chat'
/** Clients acknowledge once a second. So much may a busy conversation say meanwhile. */
const UNACKNOWLEDGED_BYTES = 512 * 1024

/** A hub whose connections live on any of the gateways: requests find theirs, wherever they arrive. */
export function openHub(options: {
  hub: Hub<Identity>
  verifyToken: VerifyToken
  tickets: ConnectionTickets
  identityOf: (connectionId: string) => Identity | undefined
  routing: Pick<GatewayRouting, 'gatewayId' | 'isSelf' | 'addressOf'>
  allowOrigin: AllowOrigin
  limits: Pick<Limits, 'admitConnecting'>
  addressOf: AddressOf
  secret: string
  connectionsPerUser: number
  handshakesPerSecond: number
  log: Logger
}): Pick<HubServer<Identity>, 'handleRequest' | 'attach' | 'stop' | 'connections' | 'figures'> {
  const { hub, routing, allowOrigin, log } = options
  const tokens = signedTokens({ secret: options.secret, routing, now: Date.now })
  const forwarding = forwardConnections({ addressOf: (home) => routing.addressOf(Number(home)), log })
  const server = createHubServer({
    path: HUB_PATH,
    hub,
    authenticate: limitConnecting(authenticateHub(options), options),
    isSameIdentity,
    userIdOf: (identity) => identity.actor.userId,
    allowOrigin,
    // Sends of one connection go one after another, in order.
    maximumParallelInvocations: 1,
    tokens,
    forwarding,
    // How many a user may have is counted over all gateways, when they have joined. Not many more may be about to.
    limits: {
      unacknowledgedBytes: UNACKNOWLEDGED_BYTES,
      connectionsPerUser: 2 * options.connectionsPerUser,
      handshakesPerSecond: options.handshakesPerSecond,
    },
    log,
  })
  return {
    connections: server.connections,
    get figures() {
      return server.figures
    },
    handleRequest: server.handleRequest,
    attach: server.attach,
    async stop({ overMs = 0 } = {}) {
      await Promise.all([server.stop({ overMs }), forwarding.stop({ overMs })])
    },
  }
}

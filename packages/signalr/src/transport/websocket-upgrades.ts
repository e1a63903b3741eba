import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type ServerOptions } from 'ws'
import type { Limits } from '../limits.ts'
import type { OpenTransport } from './transport.ts'
import { HubSocket, WebSocketTransport, type WebSocketClosing } from './websocket-transport.ts'

/** `ws` would be gentle with a client that does not agree to the end. `LateClosing` comes first and is not. */
const SOFT_CLOSE_TIMEOUT_MS = 10_000

export interface WebSocketUpgrades extends Disposable {
  /** Answers the request and, if it makes a WebSocket, calls `open`. Both happen before it returns. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, open: (openTransport: OpenTransport) => void): void
}

export function createWebSocketUpgrades(limits: Limits, closing: WebSocketClosing): WebSocketUpgrades {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    WebSocket: HubSocket,
    maxPayload: limits.batchBytes,
    maxFragments: limits.webSocketFragments,
    maxBufferedChunks: limits.webSocketChunks,
    closeTimeout: SOFT_CLOSE_TIMEOUT_MS,
  } as ServerOptions<typeof HubSocket>)
  return {
    accept(request, socket, head, open) {
      server.handleUpgrade(request, socket, head, (webSocket) =>
        open((listener) => new WebSocketTransport(webSocket, listener, closing)),
      )
    },
    [Symbol.dispose]: () => server.close(),
  }
}

import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { WebSocket } from 'ws'

/** The TCP socket below a WebSocket while it is open. It is not public API of `ws`: undefined where it is not found. */
export function tcpSocketOf(socket: WebSocket): Socket | undefined {
  const tcp = (socket as unknown as { _socket?: Socket | null })._socket
  return tcp !== undefined && tcp !== null && typeof tcp.write === 'function' && !tcp.destroyed ? tcp : undefined
}

/**
 * Ends a socket at once. By a reset, because the operating system would go on for minutes to offer a client that takes
 * nothing what it holds for it, up to 4 MB. Only plain TCP can be reset, and not while the last bytes are being shut down.
 */
export function cutOff(tcp: Socket): void {
  const isShutDown = tcp.writableEnded && tcp.writableLength === 0
  const canBeReset = tcp.remotePort !== undefined && !(tcp instanceof TLSSocket) && !isShutDown
  if (canBeReset) tcp.resetAndDestroy()
  else tcp.destroy()
}

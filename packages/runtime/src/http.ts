import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export interface HttpServer extends AsyncDisposable {
  readonly server: Server
  readonly port: number
}

/** Lists of ids in a query can be long: 500 of them take 19 KB. */
const MAX_HEADER_BYTES = 32 * 1024
/** How long requests under way may take once the server is closing. */
const CLOSE_TIMEOUT_MS = 5_000
const CLOSE_IDLE_EVERY_MS = 20

/**
 * Listens at once; port 0 takes a free one. Disposing stops accepting, ends idle connections, and waits for the rest: at most
 * `closeTimeoutMs`, then it cuts them, those that were upgraded to another protocol too.
 */
export async function serveHttp(
  listener: RequestListener,
  options: { host: string; port: number; closeTimeoutMs?: number },
): Promise<HttpServer> {
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, listener)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const listening = Promise.withResolvers<void>()
  server.once('error', listening.reject)
  server.listen(options.port, options.host, listening.resolve)
  await listening.promise
  server.off('error', listening.reject)
  return {
    server,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      // A connection that is kept alive becomes idle when its answer is out, and the server would then wait for its client.
      const idle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS)
      const forced = setTimeout(() => {
        for (const socket of sockets) socket.destroy()
      }, options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS)
      await closed.promise
      clearInterval(idle)
      clearTimeout(forced)
    },
  }
}

import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Lists of ids in a query can be long: 500 of them take 19 KB. */
const MAX_HEADER_BYTES = 32 * 1024

export interface HttpServer extends AsyncDisposable {
  readonly server: Server
  readonly port: number
}

/** Listens at once; port 0 takes a free one. Disposing stops accepting, ends idle connections and waits for the rest. */
export async function serveHttp(
  listener: RequestListener,
  options: { host: string; port: number },
): Promise<HttpServer> {
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, listener)
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
      server.closeIdleConnections()
      const forced = setTimeout(() => server.closeAllConnections(), 5_000)
      await closed.promise
      clearTimeout(forced)
    },
  }
}

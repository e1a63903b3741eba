import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A stretch of network between client and server that can fail. */
export interface BreakableProxy extends AsyncDisposable {
  readonly url: string
  /** Connections that at least one side holds for open. */
  readonly openSockets: number
  /** Connections ever taken. */
  readonly taken: number
  /** Breaks every connection there is, without a word of goodbye. */
  cut(): void
  /** From now on nothing passes on the connections there are, and nobody is told. New ones work. */
  swallow(): void
}

export async function breakableProxy(target: { url: string }): Promise<BreakableProxy> {
  const { port, pathname } = new URL(target.url)
  const pairs = new Set<{ readonly sockets: readonly [Socket, Socket]; isSwallowed: boolean }>()
  let taken = 0
  const server = createServer({ noDelay: true }, (client) => {
    taken++
    const upstream = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
    const pair = { sockets: [client, upstream] as const, isSwallowed: false }
    pairs.add(pair)
    for (const [from, to] of [pair.sockets, pair.sockets.toReversed()] as [Socket, Socket][]) {
      from.pipe(to)
      from.on('error', () => {})
      from.on('close', () => {
        if (!pair.isSwallowed) to.destroy()
        if (to.destroyed) pairs.delete(pair)
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const { sockets } of pairs) for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    get openSockets() {
      return pairs.size
    },
    get taken() {
      return taken
    },
    cut,
    swallow() {
      for (const pair of pairs) {
        pair.isSwallowed = true
        for (const socket of pair.sockets) {
          socket.unpipe()
          socket.resume()
        }
      }
    },
    async [Symbol.asyncDispose]() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}

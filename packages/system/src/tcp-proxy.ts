import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface TcpProxy extends AsyncDisposable {
  /** The same server, through the proxy. */
  readonly url: string
}

/** One connection through a proxy. When either side ends it or is destroyed, so is the other. */
export interface Passage {
  readonly client: Socket
  readonly server: Socket
}

/** A proxy on the loopback interface in front of the server of a URL. `pass` carries the bytes of each connection. */
export async function startTcpProxy(url: string, pass: (passage: Passage) => void): Promise<TcpProxy> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  const listener = createServer({ noDelay: true }, (client) => {
    const server = connect({ port: Number(target.port), host: target.hostname, noDelay: true })
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroySoon()
      })
    }
    pass({ client, server })
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  return {
    url: Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(port) }).href,
    async [Symbol.asyncDispose]() {
      const closed = once(listener, 'close')
      listener.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

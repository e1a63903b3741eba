import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface CuttingProxy extends AsyncDisposable {
  /** The same database, through the proxy. */
  readonly url: string
  /** How often it has cut. */
  readonly cuts: number
  /** Ends the connection when the server answers the next query that contains this: done, and nobody knows. */
  cutNextReplyTo(query: string): void
}

export async function cuttingProxy(url: string): Promise<CuttingProxy> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let wanted: string | undefined
  let cuts = 0
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    let cutting = false
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.on('data', (data) => {
      if (wanted !== undefined && data.includes(wanted)) {
        cutting = true
        wanted = undefined
      }
      upstream.write(data)
    })
    upstream.on('data', (data) => {
      if (!cutting) client.write(data)
      else {
        cuts += 1
        client.destroy()
      }
    })
  })
  const listening = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', listening.resolve)
  await listening.promise
  const { port } = server.address() as AddressInfo
  return {
    url: Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(port) }).href,
    get cuts() {
      return cuts
    },
    cutNextReplyTo: (query) => void (wanted = query),
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      for (const socket of sockets) socket.destroy()
      await closed.promise
    },
  }
}

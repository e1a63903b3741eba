import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Stands between a client and its server, and can hold what the client says: as a network does that loses a connection. */
export interface HoldingProxy extends AsyncDisposable {
  readonly url: string
  /** From now on, what clients say on the connections they have now does not arrive. */
  hold(): void
  /** The clients lose these connections. The server has not noticed. */
  cut(): void
  /** What was held arrives after all. */
  release(): Promise<void>
}

export async function startHoldingProxy(target: string): Promise<HoldingProxy> {
  const { hostname, port } = new URL(target)
  const pairs = new Set<{ client: Socket; server: Socket; held: (string | Uint8Array)[] | undefined }>()
  const listener = createServer((client) => {
    const server = connect(Number(port), hostname)
    const pair: { client: Socket; server: Socket; held: (string | Uint8Array)[] | undefined } = {
      client,
      server,
      held: undefined,
    }
    pairs.add(pair)
    client.on('data', (data) => (pair.held ? void pair.held.push(data) : server.write(data)))
    server.on('data', (data) => void (client.destroyed || client.write(data)))
    client.on('close', () => pair.held ?? server.end())
    server.on('close', () => client.destroy())
    for (const socket of [client, server]) socket.on('error', () => undefined)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const held = () => [...pairs].filter((pair) => pair.held)
  return {
    url: `redis://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    hold: () => pairs.forEach((pair) => (pair.held = [])),
    cut: () => held().forEach(({ client }) => client.destroy()),
    async release() {
      for (const pair of held()) {
        for (const data of pair.held ?? []) pair.server.write(data)
        pair.server.end()
        if (!pair.server.destroyed) await once(pair.server, 'close')
      }
    },
    async [Symbol.asyncDispose]() {
      for (const { client, server } of pairs) {
        client.destroy()
        server.destroy()
      }
      listener.close()
      await once(listener, 'close')
    },
  }
}

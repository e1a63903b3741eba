import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createHubServer } from '../../src/index.ts'

/** What the target says of itself when it is asked. */
export interface TargetReport {
  readonly heapBytes: number
  readonly connections: number
  readonly sockets: number
}

/** A hub with everything in it that can go wrong, as a process of its own: started by `fuzz.ts`, which talks to it by messages. */
const server = createHubServer<string>({
  path: '/hub',
  authenticate: () => 'user',
  userIdOf: (identity) => identity,
  keepAliveMs: 200,
  clientTimeoutMs: 1_000,
  handshakeTimeoutMs: 500,
  negotiationTimeoutMs: 500,
  disconnectTimeoutMs: 500,
  pollTimeoutMs: 500,
  invocationGraceMs: 200,
  limits: { messageBytes: 8_192, handshakesPerSecond: 1_000_000, connectionsPerUser: 1_000_000, bufferedMs: 1_000 },
  hub: {
    methods: {
      Echo: (_, ...values) => values[0],
      Boom: () => Promise.reject(new Error('boom')),
      Slow: () => delay(50),
      Join(connection, group) {
        connection.join(String(group))
        server.clients.group(String(group)).send('Joined', connection.id)
        connection.leave(String(group))
      },
      Ask: (connection) => connection.invoke('Answer', [], { timeoutMs: 100 }),
      async *Count(_, to) {
        for (let number = 0; number < Math.min(Number(to), 1_000); number++) yield number
      },
      async *Endless() {
        for (let number = 0; ; number++) yield number
      },
      Gather: {
        uploads: 1,
        async run(_connection, _args, { uploads: [items] }) {
          let count = 0
          for await (const _item of items!) count++
          return count
        },
      },
    },
    onConnected: (connection) => connection.send('Welcome', connection.id),
  },
})
const http = createServer({ requestTimeout: 5_000 }, server.handleRequest)
server.attach(http)
http.listen(0, '127.0.0.1', () => process.send!({ port: (http.address() as AddressInfo).port }))

async function report(): Promise<TargetReport> {
  for (let round = 0; round < 5; round++) {
    globalThis.gc?.()
    await delay(50)
  }
  const sockets = Promise.withResolvers<number>()
  http.getConnections((_error, count) => sockets.resolve(count))
  return {
    heapBytes: process.memoryUsage().heapUsed,
    connections: server.connections.size,
    sockets: await sockets.promise,
  }
}
process.on('message', () => void report().then((told) => process.send!(told)))
process.on('disconnect', () => process.exit())

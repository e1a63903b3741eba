import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { setTimeout as delay } from 'node:timers/promises'
import { createHubServer, encodeInvocation, type HubFigures } from '../../src/index.ts'

/** What a test may ask of the process. */
export interface HubOrders {
  /** At this interval a `Tick` with the time goes to all, and so many bytes to the group `fed`. Null: no more. */
  readonly feed?: { readonly everyMs: number; readonly bytes: number } | null
  /** Garbage is collected before it answers. */
  readonly collect?: boolean
}

/** What it answers to each order. */
export interface HubLook {
  readonly figures: HubFigures
  /** Whatever has become of their connections. */
  readonly openSockets: number
  /** On the heap and beside it. */
  readonly usedBytes: number
  readonly residentBytes: number
}

const server = createHubServer<string>({
  path: '/hubs/test',
  authenticate: () => 'user',
  limits: { handshakesPerSecond: 100_000, connectionsPerUser: 100_000 },
  hub: { methods: { Join: (connection, group) => connection.join(String(group)) } },
})
const http = createServer(server.handleRequest)
server.attach(http)

let feeding: NodeJS.Timeout | undefined

function feed({ everyMs, bytes }: NonNullable<HubOrders['feed']>): void {
  const food = encodeInvocation('Food', ['x'.repeat(bytes)])
  feeding = setInterval(() => {
    server.clients.group('fed').sendFrame(food)
    server.clients.all.sendFrame(encodeInvocation('Tick', [String(process.hrtime.bigint())]))
  }, everyMs)
}

async function obey(order: HubOrders): Promise<HubLook> {
  if (order.feed !== undefined) clearInterval(feeding)
  if (order.feed) feed(order.feed)
  // What one collection leaves to finalizers and to the next turn is taken by another.
  for (let times = 0; order.collect === true && times < 3; times++) {
    gc!()
    await delay(20)
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  const openSockets = await promisify(http.getConnections.bind(http))()
  return { figures: server.figures, openSockets, usedBytes: heapUsed + external, residentBytes: rss }
}

process.on('message', (order: HubOrders) => void obey(order).then((look) => process.send!(look)))
process.on('disconnect', () => process.exit())

http.listen(0, '127.0.0.1', () => process.send!((http.address() as AddressInfo).port))

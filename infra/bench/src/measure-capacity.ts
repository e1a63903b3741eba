import { userTopic } from '@parley/contracts'
import { openGatewayRouting, openSenderRouting } from '@parley/routing'
import type { Logger } from '@parley/runtime'
import type { Redis } from 'ioredis'
import type { LoadedGateways } from './loaded-gateways.ts'
import type { Population } from './population.ts'
import { startRecordingProxy } from './recording-proxy.ts'
import { workOf } from './redis-usage.ts'
import { saturate } from './saturate.ts'
import { numbers, sideBySide } from './side-by-side.ts'

/** What one Redis does when it is asked for nothing else, as fast as it can. */
export interface Capacity {
  readonly name: string
  readonly perSecond: number
  readonly perCoreSecond: number
}

const RECORDED = 500
const AT_ONCE = 64
const LEASE_MS = 120_000

/**
 * On a loaded Redis, side by side: plain GETs and SETs, and what our code sends, recorded and sent again and again. What is
 * sent again finds its keys there: a little less to do than the first time.
 */
export async function measureCapacity(options: {
  redis: Redis
  url: string
  loaded: LoadedGateways
  people: Population
  log: Logger
  forMs: number
}): Promise<Capacity[]> {
  const { redis, url, loaded, people, log, forMs } = options
  await using proxy = await startRecordingProxy(url)
  await using gateway = await openGatewayRouting({ url: proxy.url, log, leaseMs: LEASE_MS, renewMs: LEASE_MS / 4 })
  await using sender = await openSenderRouting({ url: proxy.url, log, settlingMs: 0 })
  for (const { announcement } of [gateway, ...loaded.all]) sender.hear(announcement)
  const users = [...numbers(0, RECORDED)]
  const record = (work: (user: number) => Promise<unknown>) => proxy.record(() => sideBySide(users, AT_ONCE, work))
  const plain = (name: string, ...rest: string[]) =>
    Buffer.concat(users.map((user) => encodeCommand([name, `bench:${user}`, ...rest])))

  const traffic = [
    { name: 'SET, 64 bytes', bytes: plain('SET', 'x'.repeat(64)) },
    { name: 'GET, 64 bytes', bytes: plain('GET') },
    {
      name: 'interest in a topic (SADD)',
      bytes: await record((user) => gateway.addInterest([userTopic(people.userId(user))])),
    },
    {
      name: 'connection (JOIN script)',
      bytes: await record((user) =>
        gateway.addConnection({ connectionId: `bench-${user}-xxxxxxxxxx`, userId: people.userId(user) }),
      ),
    },
    {
      name: 'gateways of a topic (SMEMBERS and epoch)',
      bytes: await record((user) => sender.gatewaysOf([people.topic(user)])),
    },
  ]
  const capacities: Capacity[] = []
  for (const { name, bytes } of traffic) {
    let rounds = 0
    const work = await workOf(redis, async () => void (rounds = await saturate(url, bytes, forMs)))
    capacities.push({
      name,
      perSecond: ((rounds * RECORDED) / work.elapsedMs) * 1_000,
      perCoreSecond: ((rounds * RECORDED) / work.cpuUs) * 1_000_000,
    })
  }
  return capacities
}

function encodeCommand(parts: readonly string[]): Buffer {
  const encoded = parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`)
  return Buffer.from(`*${parts.length}\r\n${encoded.join('')}`)
}

import type { Socket } from 'node:net'
import { NatsStream, type NatsPiece } from './nats-stream.ts'
import { seededRandom } from './seeded-random.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

/** How often which fault befalls a message that is concerned: probabilities, each drawn by itself in this order. */
export interface NoticeFaults {
  enabled: boolean
  drop: number
  double: number
  /** Comes after the next few that are concerned, or up to 50 ms later. */
  reorder: number
}

export interface UnreliableNats extends TcpProxy {
  /** May be changed at any time. */
  readonly faults: NoticeFaults
  /** What has befallen how many messages so far. */
  readonly done: { dropped: number; doubled: number; reordered: number }
  /** Of all that was drawn: the same faults for the same stream of messages. */
  readonly seed: number
}

const MOST_OVERTAKING = 3
const LONGEST_HOLD_MS = 50

/**
 * A NATS, through a proxy that loses, doubles and reorders messages on their way to clients. Messages of other subjects, and
 * everything else that either side says, pass byte for byte.
 */
export async function startUnreliableNats(
  url: string,
  options: {
    /** By default, what gateways are told to deliver. */
    concerns?: (subject: string) => boolean
    faults?: Partial<NoticeFaults>
    seed?: number
  } = {},
): Promise<UnreliableNats> {
  const { concerns = (subject) => subject.startsWith('gateway.notice.deliver.') } = options
  const seed = options.seed ?? Math.trunc(Math.random() * 2 ** 32)
  const random = seededRandom(seed)
  const faults: NoticeFaults = { enabled: true, drop: 0, double: 0, reorder: 0, ...options.faults }
  const done = { dropped: 0, doubled: 0, reordered: 0 }
  const happens = (probability: number) => faults.enabled && random() < probability

  const proxy = await startTcpProxy(url, ({ client, server }) => {
    const stream = new NatsStream()
    const holding = holdBack(client)
    client.pipe(server, { end: false })
    client.on('end', () => server.destroySoon())
    server.on('data', (chunk: Buffer) => {
      let isRead = true
      for (const piece of stream.push(chunk)) isRead = pass(piece) && isRead
      if (!isRead) server.pause()
    })
    client.on('drain', () => server.resume())

    function pass({ subject, bytes }: NatsPiece): boolean {
      if (subject === undefined || !concerns(subject)) return client.write(bytes)
      if (happens(faults.drop)) {
        done.dropped += 1
        return true
      }
      if (happens(faults.reorder)) {
        done.reordered += 1
        holding.hold(bytes, 1 + Math.trunc(random() * MOST_OVERTAKING))
        return true
      }
      if (happens(faults.double)) {
        done.doubled += 1
        client.write(bytes)
      }
      const isRead = client.write(bytes)
      holding.overtaken()
      return isRead
    }
  })
  return { ...proxy, faults, done, seed }
}

interface Held {
  readonly bytes: Buffer
  /** How many are still to overtake it. */
  behind: number
}

/** Keeps pieces until so many others have overtaken them, but not for long. */
function holdBack(client: Socket): { hold(bytes: Buffer, behind: number): void; overtaken(): void } {
  let held: Held[] = []
  const timers = new Set<NodeJS.Timeout>()
  client.on('close', () => timers.forEach(clearTimeout))

  function release(due: (piece: Held) => boolean): void {
    const free = held.filter(due)
    held = held.filter((piece) => !due(piece))
    if (client.writable) for (const { bytes } of free) client.write(bytes)
  }

  return {
    hold(bytes, behind) {
      const piece = { bytes, behind }
      held.push(piece)
      const timer = setTimeout(() => {
        timers.delete(timer)
        release((one) => one === piece)
      }, LONGEST_HOLD_MS)
      timers.add(timer)
    },
    overtaken() {
      for (const piece of held) piece.behind -= 1
      release(({ behind }) => behind <= 0)
    },
  }
}

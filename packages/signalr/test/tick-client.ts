import { WebSocket } from 'ws'
import { record } from './fixture.ts'

const PING_MS = 5_000

/** A client that only knows how long each `Tick` was on its way to it. */
export interface TickClient extends Disposable {
  readonly socket: WebSocket
  readonly latenciesMs: number[]
}

/** Resolves when the hub has answered the handshake. */
export async function tickClient({ url }: { url: string }, group?: string): Promise<TickClient> {
  const socket = new WebSocket(url.replace('http', 'ws'), { perMessageDeflate: false })
  const latenciesMs: number[] = []
  const begun = Promise.withResolvers<void>()
  const pinging = setInterval(() => socket.send(record({ type: 6 })), PING_MS)
  socket.on('error', begun.reject)
  socket.on('close', () => clearInterval(pinging))
  socket.on('open', () => {
    socket.send(record({ protocol: 'json', version: 1 }))
    if (group !== undefined) socket.send(record({ type: 1, target: 'Join', arguments: [group] }))
  })
  socket.on('message', (data: Buffer) => {
    begun.resolve()
    const nowNs = process.hrtime.bigint()
    for (const [, sentNs = ''] of data.toString('latin1').matchAll(/"Tick","arguments":\["(\d+)"/g)) {
      latenciesMs.push(Number(nowNs - BigInt(sentNs)) / 1e6)
    }
  })
  await begun.promise
  return { socket, latenciesMs, [Symbol.dispose]: () => socket.terminate() }
}

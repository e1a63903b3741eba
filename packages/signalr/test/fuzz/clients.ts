import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { frameBy, sayingBy, spoiltBy, type Chance, type ProtocolName } from './corpus.ts'

/** A client that misbehaves in its own way for a moment, and is gone. Never rejects. */
export type FuzzClient = (port: number, chance: Chance) => Promise<void>

const PATIENCE_MS = 3_000
const handshakeOf = (protocol: ProtocolName, version: number) =>
  Buffer.from(`${JSON.stringify({ protocol, version })}\u001e`)

async function dialled(port: number, talk: (socket: Socket) => Promise<void>): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.setTimeout(PATIENCE_MS, () => socket.destroy())
  socket.on('error', () => {})
  const closed = once(socket, 'close').catch(() => {})
  socket.resume()
  await talk(socket)
  socket.destroy()
  await closed
}

const upgradeOf = (query: string) =>
  `GET /hub${query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`

/** Frames over one socket: after a handshake mostly, and torn into pieces at random. */
async function talkFrames(socket: Socket, chance: Chance, protocol: ProtocolName, opening: Buffer[]): Promise<void> {
  const rounds = 1 + chance.below(12)
  const frames = [...opening, ...Array.from({ length: rounds }, () => sayingBy(chance, protocol))].map((payload) =>
    frameBy(chance, payload),
  )
  const bytes = Buffer.concat(frames)
  for (let at = 0; at < bytes.length && !socket.destroyed;) {
    const size = 1 + chance.below(chance.is(0.2) ? 4 : 4_000)
    socket.write(bytes.subarray(at, at + size))
    at += size
    if (chance.is(0.05)) await delay(chance.below(30))
  }
  await delay(chance.below(chance.is(0.1) ? 400 : 20))
  if (chance.is(0.3)) socket.resetAndDestroy()
}

const frames: FuzzClient = (port, chance) => {
  const protocol = chance.pick(['json', 'messagepack'] as const)
  const opening = chance.is(0.95) ? [handshakeOf(protocol, chance.pick([1, 1, 1, 2, 3]))] : []
  return dialled(port, async (socket) => {
    socket.write(upgradeOf(''))
    await talkFrames(socket, chance, protocol, opening)
  })
}

async function negotiated(port: number, query = ''): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/hub/negotiate?negotiateVersion=1${query}`, { method: 'POST' })
  const { connectionToken } = (await response.json()) as { connectionToken?: string }
  return `?id=${connectionToken}`
}

/** Comes, breaks off and comes back, with right and wrong words. */
const reattachments: FuzzClient = async (port, chance) => {
  const query = await negotiated(port, '&useStatefulReconnect=true')
  const protocol = chance.pick(['json', 'messagepack'] as const)
  await dialled(port, async (socket) => {
    socket.write(upgradeOf(query))
    await talkFrames(socket, chance, protocol, [handshakeOf(protocol, 2)])
    socket.resetAndDestroy()
  })
  for (let returns = chance.below(4); returns > 0; returns--) {
    await dialled(port, async (socket) => {
      socket.write(upgradeOf(query))
      await talkFrames(socket, chance, protocol, [])
    })
  }
}

/** Polls, sends and deletes by HTTP, in any order and number. */
const requests: FuzzClient = async (port, chance) => {
  const query = await negotiated(port)
  const url = `http://127.0.0.1:${port}/hub${chance.is(0.95) ? query : '?id=nothing'}`
  const protocol = chance.pick(['json', 'messagepack'] as const)
  const accept = chance.is(0.3) ? 'text/event-stream' : '*/*'
  const patience = AbortSignal.timeout(PATIENCE_MS)
  const ask = async (method: string, body?: Buffer) => {
    const signal = chance.is(0.8) ? patience : AbortSignal.timeout(1 + chance.below(50))
    const init = { method, signal, headers: { accept }, ...(body && { body: new Uint8Array(body) }) }
    const response = await fetch(url, init).catch(() => undefined)
    await response?.arrayBuffer().catch(() => {})
  }
  const polls = [ask('GET')]
  if (chance.is(0.95)) polls.push(ask('POST', handshakeOf(protocol, 1)))
  for (let rounds = 1 + chance.below(10); rounds > 0; rounds--) {
    const saying = sayingBy(chance, protocol)
    const asked = chance.is(0.6) ? ask('POST', saying) : ask(chance.pick(['GET', 'GET', 'DELETE', 'PUT', 'OPTIONS']))
    if (chance.is(0.5)) await asked
    else polls.push(asked)
  }
  if (chance.is(0.5)) polls.push(ask('DELETE'))
  await Promise.all(polls)
}

/** Bytes that are hardly HTTP. */
const noise: FuzzClient = (port, chance) =>
  dialled(port, async (socket) => {
    const request = chance.pick([
      upgradeOf('?id=%%%'),
      'POST /hub/negotiate?negotiateVersion=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab',
      'POST /hub?id=x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n',
      'GET /hub HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n',
    ])
    socket.write(spoiltBy(chance, Buffer.from(request)))
    await delay(chance.below(20))
  })

export const fuzzClients: readonly FuzzClient[] = [frames, frames, frames, reattachments, requests, noise]

import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'

/** Connections that send at the same time, and copies on the way on each: Redis always has something to do. */
const SOCKETS = 4
const COPIES = 2
const QUIET_MS = 300

/**
 * Sends the same bytes again and again for some time, as fast as Redis takes them: commands are neither written nor are
 * answers read here, so that hardly anything but Redis works. The answers must be as long each time. Answers with how often.
 */
export async function saturate(redisUrl: string, bytes: Buffer, forMs: number): Promise<number> {
  const { hostname, port } = new URL(redisUrl)
  const open = async () => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    await once(socket, 'connect')
    return socket
  }
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, open))
  try {
    const answerBytes = await answerLength(sockets[0]!, bytes)
    const endsAt = performance.now() + forMs
    const rounds = await Promise.all(sockets.map((socket) => repeatOn(socket, bytes, answerBytes, endsAt)))
    return rounds.reduce((sum, count) => sum + count, 0)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

async function answerLength(socket: Socket, bytes: Buffer): Promise<number> {
  let length = 0
  const count = (chunk: Buffer) => void (length += chunk.length)
  socket.on('data', count)
  socket.write(bytes)
  for (let before = -1; length === 0 || length !== before;) {
    before = length
    await delay(QUIET_MS)
  }
  socket.off('data', count)
  return length
}

async function repeatOn(socket: Socket, bytes: Buffer, answerBytes: number, endsAt: number): Promise<number> {
  const done = Promise.withResolvers<number>()
  let [received, sent, rounds] = [0, 0, 0]
  const send = () => {
    socket.write(bytes)
    sent++
  }
  socket.on('error', done.reject)
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length
    while (received >= (rounds + 1) * answerBytes) {
      rounds++
      if (performance.now() < endsAt) send()
    }
    if (rounds === sent) done.resolve(rounds)
  })
  for (let copy = 0; copy < COPIES; copy++) send()
  return done.promise
}

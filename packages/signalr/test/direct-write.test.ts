import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { encodeTextRecord } from '../src/protocol/encoded-message.ts'
import { writeFrames } from '../src/transport/websocket-transport.ts'

async function pair() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const heard: string[] = []
  client.on('message', (data: Buffer) => heard.push(data.toString()))
  const [[socket]] = (await Promise.all([once(server, 'connection'), once(client, 'open')])) as [[WebSocket], unknown]
  return {
    socket,
    client,
    heard,
    async [Symbol.asyncDispose]() {
      client.terminate()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The socket as it would be if a version of `ws` hid its TCP socket. */
function withoutTcpSocket(socket: WebSocket): WebSocket {
  return new Proxy(socket, {
    get(target, name) {
      if (name === '_socket') return undefined
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

test.each([
  ['directly', (socket: WebSocket) => socket],
  ['by ws itself where the TCP socket is hidden', withoutTcpSocket],
])('messages are written %s, and a slow client is noticed and waited for', async (_, view) => {
  await using ends = await pair()
  const socket = view(ends.socket)
  expect(writeFrames(socket, [encodeTextRecord('a', true), encodeTextRecord('b', true)], () => {})).toBe(true)
  await expect.poll(() => ends.heard).toEqual(['a\u001e', 'b\u001e'])
  ends.client.pause()
  const large = encodeTextRecord('x'.repeat(1_000_000), true)
  const drained = Promise.withResolvers<void>()
  let writes = 1
  while (writeFrames(socket, [large], drained.resolve)) writes++
  expect(socket.bufferedAmount).toBeGreaterThan(0)
  ends.client.resume()
  await drained.promise
  await expect.poll(() => ends.heard.length).toBe(2 + writes)
  expect(ends.heard.at(-1)).toHaveLength(1_000_001)
})

test('nothing is written to a socket that is closing', async () => {
  await using ends = await pair()
  ends.socket.close()
  expect(writeFrames(ends.socket, [encodeTextRecord('late', true)], () => {})).toBe(true)
  await once(ends.client, 'close')
  expect(ends.heard).toEqual([])
})

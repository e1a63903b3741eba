import { once } from 'node:events'
import { connect } from 'node:net'
import { record } from './fixture.ts'

const KEY = 'AAAAAAAAAAAAAAAAAAAAAA=='

const CLOSING_FRAME = Buffer.from([0x88, 0x80, 0, 0, 0, 0])

/** A frame from a client to a server. Its mask is of zeros. */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text)
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload])
}

export interface SlowReader extends Disposable {
  /** Says goodbye, and reads no faster for it. */
  close(): void
}

/** A client that reads so many bytes each second, or none, and pings as it should. */
export async function slowReader({ url }: { url: string }, bytesPerSecond: number): Promise<SlowReader> {
  const { port, pathname, host } = new URL(url)
  const socket = connect({ port: Number(port), host: '127.0.0.1' })
  socket.on('error', () => {})
  await once(socket, 'connect')
  const headers = [`Host: ${host}`, 'Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Key: ${KEY}`]
  socket.write([`GET ${pathname} HTTP/1.1`, ...headers, 'Sec-WebSocket-Version: 13', '', ''].join('\r\n'))
  await once(socket, 'readable')
  socket.read()
  socket.write(textFrame(record({ protocol: 'json', version: 1 })))
  const reading = setInterval(() => socket.read(bytesPerSecond), 1_000)
  const pinging = setInterval(() => socket.write(textFrame(record({ type: 6 }))), 5_000)
  return {
    close: () => void socket.write(CLOSING_FRAME),
    [Symbol.dispose]() {
      clearInterval(reading)
      clearInterval(pinging)
      socket.destroy()
    },
  }
}

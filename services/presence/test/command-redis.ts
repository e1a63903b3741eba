import { connect } from 'node:net'
import { once } from 'node:events'

/** One inline command, by hand: this service itself has no client of its own for Redis. */
export async function commandRedis(url: string, command: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(`${command}\r\n`)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return answer.toString()
}

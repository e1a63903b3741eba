import { WebSocket } from 'ws'

/** The HTTP status with which an upgrade ends; 101 when it is accepted, 0 when it is not answered. */
export function upgradeStatus(url: string, path: string, headers: Record<string, string> = {}): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, { headers })
  socket.on('unexpected-response', (_request, response) => {
    resolve(response.statusCode ?? 0)
    socket.terminate()
  })
  socket.on('open', () => {
    resolve(101)
    socket.terminate()
  })
  socket.on('error', () => resolve(0))
  return promise
}

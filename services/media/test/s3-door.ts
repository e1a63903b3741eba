import { createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface S3Door extends AsyncDisposable {
  readonly endpoint: string
  /** `open` passes requests on, `closed` ends their connections, `hanging` never answers. A function decides for each. */
  set(state: DoorState | ((asked: IncomingMessage) => DoorState)): void
}

type DoorState = 'open' | 'closed' | 'hanging'

/** Stands before S3 on a port of its own, so that a test can take S3 away from one service. */
export async function openS3Door(target: string): Promise<S3Door> {
  let stateFor: (asked: IncomingMessage) => DoorState = () => 'open'
  const server = createServer((asked, answer) => {
    const state = stateFor(asked)
    if (state === 'hanging') return
    if (state === 'closed') {
      asked.socket.destroy()
      return
    }
    const passedOn = request(new URL(asked.url ?? '/', target), { method: asked.method, headers: asked.headers })
    passedOn.once('response', (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.headers)
      answered.pipe(answer)
    })
    passedOn.once('error', () => asked.socket.destroy())
    asked.pipe(passedOn)
  })
  const listening = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', listening.resolve)
  await listening.promise
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set: (state) => void (stateFor = typeof state === 'function' ? state : () => state),
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      server.closeAllConnections()
      await closed.promise
    },
  }
}

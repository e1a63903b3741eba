import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface S3Door extends AsyncDisposable {
  readonly endpoint: string
  /**
   * `open` passes requests on, `closed` ends their connections, `hanging` never answers, `cut-off` ends connections in the
   * middle of the answer's content, `stalling` stays silent from there on, and the others are answers of S3 itself. A function
   * decides for each.
   */
  set(state: DoorState | ((asked: IncomingMessage) => DoorState)): void
}

type DoorState = 'open' | 'closed' | 'hanging' | 'cut-off' | 'stalling' | keyof typeof ANSWERS

const ANSWERS = {
  'slow-down': [503, '<Error><Code>SlowDown</Code></Error>'],
  'not-implemented': [501, '<Error><Code>NotImplemented</Code></Error>'],
  forbidden: [403, '<Error><Code>AccessDenied</Code></Error>'],
  'bad-request': [400, '<Error><Code>InvalidArgument</Code></Error>'],
  // S3 says so when it has begun to answer already.
  'failing-late': [200, '<Error><Code>InternalError</Code></Error>'],
  copied: [200, '<CopyObjectResult><ETag>"any"</ETag></CopyObjectResult>'],
} as const

/**
 * Stands before S3 on a port of its own, so that a test can take S3 away from one service. With `path`, S3 is found below that
 * here, as with a proxy that takes it away; with `host`, it hears that name.
 */
export async function openS3Door(
  target: string,
  { path = '', host }: { path?: string; host?: string } = {},
): Promise<S3Door> {
  let stateFor: (asked: IncomingMessage) => DoorState = () => 'open'
  const server = createServer((asked, answer) => {
    const state = stateFor(asked)
    if (state === 'hanging') return
    if (state === 'closed') {
      asked.socket.destroy()
      return
    }
    if (state in ANSWERS) {
      const [status, content] = ANSWERS[state as keyof typeof ANSWERS]
      answer.writeHead(status, { 'content-type': 'application/xml' })
      answer.end(`<?xml version="1.0"?>${content}`)
      asked.resume()
      return
    }
    const passedOn = request(new URL((asked.url ?? '/').slice(path.length), target), {
      method: asked.method,
      headers: host === undefined ? asked.headers : { ...asked.headers, host },
    })
    passedOn.once('response', (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.headers)
      if (state === 'open') answered.pipe(answer)
      else answered.once('data', (some: Buffer) => sendHalf(answer, some, state))
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

function sendHalf(answer: ServerResponse, content: Buffer, state: DoorState): void {
  answer.write(content.subarray(0, content.length / 2), () => {
    if (state === 'cut-off') answer.socket?.destroy()
  })
}

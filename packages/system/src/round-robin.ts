import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** A balancer that knows nothing of connections: each request and each upgrade goes to the next gateway that is there. */
export interface RoundRobin extends AsyncDisposable {
  readonly url: string
  /** What was passed on, in order. */
  readonly passed: { readonly gatewayUrl: string; readonly method: string; readonly path: string }[]
  /** Breaks off all WebSockets without a word. */
  breakSockets(): void
}

export async function startRoundRobin(gatewayUrls: readonly string[]): Promise<RoundRobin> {
  const passed: RoundRobin['passed'] = []
  const sockets = new Set<Socket>()
  const upgraded = new Set<Socket>()
  let turn = 0

  /** All gateways, beginning with the one whose turn it is. */
  function nextGateways(): string[] {
    const first = turn++ % gatewayUrls.length
    return [...gatewayUrls.slice(first), ...gatewayUrls.slice(0, first)]
  }

  function record(gatewayUrl: string, { method = '', url = '' }: IncomingMessage): void {
    passed.push({ gatewayUrl, method, path: url })
  }

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request)
    const tryOne = ([gatewayUrl, ...others]: string[]) => {
      if (gatewayUrl === undefined) return void response.destroy()
      const { method, headers, url } = request
      const passing = httpRequest(`${gatewayUrl}${url}`, { method, headers, agent: false })
      response.once('close', () => passing.destroy())
      passing.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED') tryOne(others)
        else response.destroy()
      })
      passing.on('response', (answer) => {
        record(gatewayUrl, request)
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        response.flushHeaders()
        answer.on('error', () => response.destroy())
        answer.pipe(response)
      })
      passing.end(body)
    }
    tryOne(nextGateways())
  }

  function passSocket(request: IncomingMessage, socket: Socket, head: Buffer): void {
    upgraded.add(socket)
    socket.once('close', () => upgraded.delete(socket))
    const lines = Array.from({ length: request.rawHeaders.length / 2 }, (_, index) =>
      request.rawHeaders.slice(2 * index, 2 * index + 2).join(': '),
    )
    const tryOne = ([gatewayUrl, ...others]: string[]) => {
      if (gatewayUrl === undefined) return void socket.destroy()
      const { hostname, port } = new URL(gatewayUrl)
      const passing = connect(Number(port), hostname)
      passing.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED') tryOne(others)
        else socket.destroy()
      })
      passing.once('connect', () => {
        record(gatewayUrl, request)
        passing.write([`GET ${request.url} HTTP/1.1`, ...lines, '', ''].join('\r\n'))
        passing.write(head)
        socket.pipe(passing).pipe(socket)
        socket.once('close', () => passing.destroy())
        passing.once('close', () => socket.destroySoon())
      })
    }
    tryOne(nextGateways())
  }

  const server = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy())
  })
  server.on('upgrade', (request, socket, head) => passSocket(request, socket as Socket, head))
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed,
    breakSockets: () => upgraded.forEach((socket) => socket.resetAndDestroy()),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

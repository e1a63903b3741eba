import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A stream of events that has come through. */
export interface ProxiedStream {
  readonly query: string
  /** All that has come so far. */
  readonly text: string
  readonly isOpen: boolean
  cut(): void
}

/** What stands between clients and servers and knows HTTP, of which single requests can fail. */
export interface RequestProxy extends AsyncDisposable {
  readonly url: string
  /** In the order in which they were opened. */
  readonly streams: readonly ProxiedStream[]
  /** Breaks the next request of this method off before it gets to the server. Negotiations do not count. */
  failNext(method: 'GET' | 'POST'): void
}

export async function requestProxy(target: { url: string }): Promise<RequestProxy> {
  const { origin, pathname } = new URL(target.url)
  const streams: ProxiedStream[] = []
  let failing: string | undefined

  function follow(query: string, answer: IncomingMessage, response: ServerResponse): void {
    let text = ''
    answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    streams.push({
      query,
      get text() {
        return text
      },
      get isOpen() {
        return !response.closed
      },
      cut: () => response.destroy(),
    })
  }

  const server = createServer((incoming, response) => {
    const { method, url = '', headers } = incoming
    const isNegotiation = url.startsWith(`${pathname}/negotiate`)
    if (method === failing && !isNegotiation) {
      failing = undefined
      incoming.socket.resetAndDestroy()
      return
    }
    const outgoing = request(origin + url, { method, headers, agent: false })
    outgoing.on('error', () => response.destroy())
    outgoing.on('response', (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      if (method === 'GET') follow(new URL(url, origin).search, answer, response)
      answer.on('error', () => response.destroy())
      answer.pipe(response)
    })
    response.on('close', () => outgoing.destroy())
    incoming.pipe(outgoing)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    streams,
    failNext(method) {
      failing = method
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

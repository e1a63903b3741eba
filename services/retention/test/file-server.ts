import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** Files for links until the test is over, from where a link says. */
export async function serveFiles(
  files: ReadonlyMap<string, Buffer>,
  answer: (rest: Buffer, response: ServerResponse, asked: IncomingMessage) => void,
): Promise<string> {
  const server = createServer((asked, response) => {
    const file = files.get(new URL(asked.url!, 'http://files').pathname.slice(1))
    if (file === undefined) return void response.writeHead(404).end()
    const from = Number(/bytes=(\d+)-/.exec(asked.headers.range ?? '')?.[1] ?? 0)
    const rest = file.subarray(from)
    response.statusCode = from === 0 ? 200 : 206
    response.setHeader('content-length', rest.byteLength)
    answer(rest, response, asked)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Inspected } from '../src/inspect/inspector.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

export interface LinkedFiles extends AsyncDisposable {
  /** Bytes sent so far. */
  readonly bytesSent: number
  /** As the inspector is told about it. */
  link(type: string, content: Uint8Array, options?: { isAvatar?: boolean; size?: number }): Inspected
  /** The same, with any answer. */
  linkTo(type: string, size: number, answer: Answer): Inspected
}

/** A server of files, by links that give one content, answer ranges, and hold only for the content of their `If-Match`. */
export async function serveLinkedFiles(): Promise<LinkedFiles> {
  const answers = new Map<string, Answer>()
  let bytesSent = 0
  const server = createServer((request, response) => {
    const answer = answers.get(request.url ?? '')
    if (answer === undefined) response.writeHead(404).end()
    else answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  function linkTo(type: string, size: number, answer: Answer, headers = {}): Inspected {
    const path = `/${randomUUID()}`
    answers.set(path, answer)
    return { link: { url: `http://127.0.0.1:${port}${path}`, headers }, type, size, isAvatar: false }
  }

  return {
    get bytesSent() {
      return bytesSent
    },
    linkTo,
    link(type, content, { isAvatar = false, size = content.length } = {}) {
      const etag = `"${createHash('md5').update(content).digest('hex')}"`
      const answer: Answer = (request, response) => {
        if (request.headers['if-match'] !== etag) return void response.writeHead(412).end()
        const part = rangeOf(request, content)
        if (part === undefined) return void response.writeHead(416).end()
        bytesSent += part.bytes.length
        response
          .writeHead(206, { etag, 'content-range': part.told, 'content-length': part.bytes.length })
          .end(part.bytes)
      }
      return { ...linkTo(type, size, answer, { 'if-match': etag }), isAvatar }
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

export function rangeOf(request: IncomingMessage, content: Uint8Array) {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
  const start = Number(from)
  const end = Math.min(Number(to) + 1, content.length)
  if (!(start < end)) return undefined
  return { bytes: content.subarray(start, end), told: `bytes ${start}-${end - 1}/${content.length}` }
}

import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { parseArgs } from 'node:util'
import { createHubServer, HubRefusal } from '../../src/index.ts'
import { createEchoEndpoint, type Endpoint } from './echo-endpoint.ts'
import { functionalHub, InvalidOperationException } from './functional-hub.ts'
import { accessTokenOf, openingRequest, type OpeningRequest } from './opening-request.ts'
import { createWebTokens } from './web-token.ts'

/** What the functional tests of the official JavaScript client need around their hub. */
export interface FunctionalServer extends AsyncDisposable {
  readonly url: string
}

const TOKEN_LIFETIME_MS = 5_000

/** Listens on the port, or on a free one. */
export async function startFunctionalServer(port = 0): Promise<FunctionalServer> {
  const webTokens = createWebTokens(TOKEN_LIFETIME_MS)
  const common = { authenticate: openingRequest, detailedErrors: true } as const
  const testHub = createHubServer<OpeningRequest>({ ...common, path: '/testhub', hub: functionalHub })
  const endpoints: Endpoint[] = [
    testHub,
    createHubServer<OpeningRequest>({
      ...common,
      path: '/testhub-nowebsockets',
      hub: functionalHub,
      transports: ['ServerSentEvents', 'LongPolling'],
    }),
    createHubServer<OpeningRequest>({
      ...common,
      path: '/authorizedhub',
      hub: functionalHub,
      authenticate(request) {
        const opening = openingRequest(request)
        if (webTokens.subjectOf(accessTokenOf(opening)) === undefined) throw new HubRefusal(401)
        return opening
      },
    }),
    createHubServer<OpeningRequest>({
      ...common,
      path: '/uncreatable',
      hub: {
        methods: {},
        onConnected: () => {
          throw new InvalidOperationException('This hub cannot be created.')
        },
      },
    }),
    createEchoEndpoint('/echo'),
  ]
  let redirects = 0

  async function askForResult(id: string): Promise<string> {
    const connection = testHub.connections.get(id)
    if (connection === undefined) return 'No such connection.'
    try {
      return String(await connection.invoke('Result', []))
    } catch (error) {
      return (error as Error).message
    }
  }

  /** By the first part of the path. */
  const pages: Record<string, (url: URL, response: ServerResponse) => unknown> = {
    '/generatejwttoken': (_url, response) => response.end(webTokens.mint('testuser')),
    '/clientresult': async (url, response) => response.end(await askForResult(url.pathname.split('/')[2]!)),
    '/bad-negotiate': (_url, response) => response.writeHead(400).end('Some response from server'),
    '/echoredirect': ({ href }, response) =>
      response.writeHead(307, { location: href.replace('echoredirect', 'echo') }).end(),
    '/redirect': ({ searchParams }, response) =>
      response.end(JSON.stringify({ url: `${searchParams.get('baseUrl')}/testHub?numRedirects=${++redirects}` })),
    '/lib': (_url, response) =>
      response.setHeader('content-type', 'text/javascript').end(readFileSync(webWorkerClientFile)),
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    letEveryOriginIn(request, response)
    if (request.method === 'OPTIONS') return void response.writeHead(204).end()
    const url = new URL(request.url!, `http://${request.headers.host}`)
    if (url.pathname.endsWith('/negotiate')) response.setHeader('set-cookie', negotiateCookies)
    const page = pages[`/${url.pathname.split('/')[1]!.toLowerCase()}`]
    if (page !== undefined) return void page(url, response)
    const handle = endpoints.reduceRight<() => void>(
      (next, endpoint) => () => endpoint.handleRequest(request, response, next),
      () => response.writeHead(404).end(),
    )
    handle()
  }

  const http = createServer(answer)
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const isTaken = endpoints.some((endpoint) => endpoint.handleUpgrade(request, socket, head))
    if (!isTaken) socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
  })
  const listening = Promise.withResolvers<void>()
  http.once('error', listening.reject)
  http.listen(port, '127.0.0.1', listening.resolve)
  await listening.promise

  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      await Promise.all(endpoints.map((endpoint) => endpoint[Symbol.asyncDispose]()))
      const closed = Promise.withResolvers<void>()
      http.close(() => closed.resolve())
      http.closeAllConnections()
      await closed.promise
    },
  }
}

const webWorkerClientFile = createRequire(import.meta.url)
  .resolve('@microsoft/signalr')
  .replace(/dist.*/, 'dist/webworker/signalr.js')

/** Two for the client to keep and one that it must not. */
const negotiateCookies = [
  'testCookie=testValue; path=/',
  'testCookie2=testValue2; path=/',
  'expiredCookie=doesntmatter; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT',
]

/** With credentials. For tests only: their page comes from a port of its own. */
function letEveryOriginIn({ headers }: IncomingMessage, response: ServerResponse): void {
  if (headers.origin === undefined) return
  response.setHeader('access-control-allow-origin', headers.origin)
  response.setHeader('access-control-allow-credentials', 'true')
  response.setHeader('access-control-allow-methods', headers['access-control-request-method'] ?? '*')
  response.setHeader('access-control-allow-headers', headers['access-control-request-headers'] ?? '*')
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } })
  const server = await startFunctionalServer(Number(values.port))
  process.stdout.write(`${server.url}\n`)
}

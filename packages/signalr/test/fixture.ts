import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import {
  HttpTransportType,
  HubConnectionBuilder,
  LogLevel,
  type HubConnection as ClientConnection,
  type IHttpConnectionOptions,
  type IHubProtocol,
} from '@microsoft/signalr'
import { expect } from 'vitest'
import { WebSocket } from 'ws'
import {
  createHubServer,
  type DisconnectReason,
  type HubConnection,
  type HubServer,
  type HubServerOptions,
} from '../src/index.ts'

export interface TestHub extends AsyncDisposable {
  readonly server: HubServer<string>
  /** `http://127.0.0.1:port/hubs/test` */
  readonly url: string
  /** In the order in which the hub was told. */
  readonly ended: { id: string; reason: DisconnectReason }[]
  /** The open connections. */
  readonly connections: () => HubConnection<string>[]
  /** How many sockets its process holds, whatever has become of their connections. */
  readonly openSockets: () => Promise<number>
}

type TestHubOptions = Partial<Omit<HubServerOptions<string>, 'hub'>> & {
  hub?: Partial<HubServerOptions<string>['hub']>
}

/** A hub on a free port. Everyone is let in as `user` unless the options say otherwise. */
export async function startHub(options: TestHubOptions = {}): Promise<TestHub> {
  const ended: TestHub['ended'] = []
  const server = createHubServer<string>({
    path: '/hubs/test',
    authenticate: () => 'user',
    ...options,
    hub: {
      methods: {},
      ...options.hub,
      async onDisconnected(connection, reason) {
        ended.push({ id: connection.id, reason })
        await options.hub?.onDisconnected?.(connection, reason)
      },
    },
  })
  const http = createServer(server.handleRequest)
  server.attach(http)
  const listening = Promise.withResolvers<void>()
  http.listen(0, '127.0.0.1', listening.resolve)
  await listening.promise
  return {
    server,
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/hubs/test`,
    ended,
    connections: () => [...server.connections.values()],
    openSockets: () => promisify(http.getConnections.bind(http))(),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      const closed = Promise.withResolvers<void>()
      http.close(() => closed.resolve())
      http.closeAllConnections()
      await closed.promise
    },
  }
}

type OfficialClient = ClientConnection & AsyncDisposable

/** The official client, unmodified, not started. */
export function officialClient(
  hub: Pick<TestHub, 'url'>,
  options: IHttpConnectionOptions & { reconnect?: boolean; protocol?: IHubProtocol } = {},
): OfficialClient {
  const { reconnect = false, protocol, ...httpOptions } = options
  const builder = new HubConnectionBuilder()
    .withUrl(hub.url, { transport: HttpTransportType.WebSockets, ...httpOptions })
    .configureLogging(LogLevel.None)
  if (protocol !== undefined) builder.withHubProtocol(protocol)
  if (reconnect) builder.withAutomaticReconnect([0, 0, 50])
  const client = builder.build()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.stop() })
}

export async function startedClient(
  hub: Pick<TestHub, 'url'>,
  options?: Parameters<typeof officialClient>[1],
): Promise<OfficialClient> {
  const client = officialClient(hub, options)
  await client.start()
  return client
}

const SEPARATOR = '\u001e'
export const record = (message: unknown): string => JSON.stringify(message) + SEPARATOR

/** A WebSocket that says exactly what it is told to. */
export interface RawClient extends AsyncDisposable {
  readonly socket: WebSocket
  /** Every message received so far, the answer to the handshake first. */
  readonly messages: Record<string, unknown>[]
  /** Every WebSocket message received so far. */
  readonly frames: { readonly isBinary: boolean; readonly text: string }[]
  readonly closed: Promise<{ code: number }>
  send(...messages: unknown[]): void
  /** Waits for a message that has these properties. */
  receives(expected: object): Promise<Record<string, unknown>>
}

/** Connects without negotiation, or with a token. Does not shake hands. */
export async function rawSocket(hub: Pick<TestHub, 'url'>, query = ''): Promise<RawClient> {
  const socket = new WebSocket(hub.url.replace('http', 'ws') + query, { perMessageDeflate: false })
  const messages: Record<string, unknown>[] = []
  const frames: RawClient['frames'] = []
  const opened = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<{ code: number }>()
  socket.on('message', (data: Buffer, isBinary) => {
    frames.push({ isBinary, text: data.toString() })
    for (const text of data.toString().split(SEPARATOR).slice(0, -1)) messages.push(JSON.parse(text))
  })
  socket.on('error', opened.reject)
  socket.on('open', opened.resolve)
  socket.on('close', (code) => closed.resolve({ code }))
  await opened.promise
  return {
    socket,
    messages,
    frames,
    closed: closed.promise,
    send: (...list) => socket.send(list.map(record).join('')),
    async receives(expected) {
      const found = () => messages.find((message) => matches(message, expected))
      await expect.poll(found, { timeout: 5_000, interval: 5 }).toBeDefined()
      return found()!
    },
    async [Symbol.asyncDispose]() {
      socket.terminate()
      await closed.promise
    },
  }
}

function matches(message: Record<string, unknown>, expected: object): boolean {
  return Object.entries(expected).every(([key, value]) => JSON.stringify(message[key]) === JSON.stringify(value))
}

export async function rawClient(hub: Pick<TestHub, 'url'>, query?: string): Promise<RawClient> {
  const client = await rawSocket(hub, query)
  client.send({ protocol: 'json', version: 1 })
  await expect.poll(() => client.messages.length, { timeout: 5_000, interval: 5 }).toBeGreaterThan(0)
  expect(client.messages[0]).toEqual({})
  return client
}

/** The status with which an upgrade is refused, and the answer's headers. */
export async function refusedUpgrade(
  hub: Pick<TestHub, 'url'>,
  query = '',
  headers: Record<string, string> = {},
): Promise<{ status: number | undefined; headers: Record<string, unknown> }> {
  const socket = new WebSocket(hub.url.replace('http', 'ws') + query, { headers })
  const refused = Promise.withResolvers<{ status: number | undefined; headers: Record<string, unknown> }>()
  socket.on('error', () => {})
  socket.on('open', () => {
    socket.terminate()
    refused.reject(new Error('the upgrade was accepted'))
  })
  socket.on('unexpected-response', (_request, response) => {
    response.resume()
    refused.resolve({ status: response.statusCode, headers: response.headers })
  })
  return refused.promise
}

export interface NegotiateAnswer {
  /** The query that opens the negotiated connection. */
  readonly query: string
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

export async function negotiate(
  hub: Pick<TestHub, 'url'>,
  options: { query?: string; method?: string; headers?: Record<string, string>; path?: string } = {},
): Promise<NegotiateAnswer> {
  const { query = '?negotiateVersion=1', method = 'POST', headers = {}, path = '/negotiate' } = options
  const response = await fetch(hub.url + path + query, { method, headers })
  const text = await response.text()
  const body: Record<string, unknown> = text.startsWith('{') ? JSON.parse(text) : { text }
  const token = String(body['connectionToken'] ?? body['connectionId'])
  return { query: `?id=${token}`, status: response.status, headers: response.headers, body }
}

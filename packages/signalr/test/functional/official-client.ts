import {
  HttpTransportType,
  HubConnectionBuilder,
  JsonHubProtocol,
  LogLevel,
  type HubConnection,
  type IHttpConnectionOptions,
} from '@microsoft/signalr'
import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack'

export type TransportName = 'WebSockets' | 'ServerSentEvents' | 'LongPolling'
export const transports: readonly TransportName[] = ['WebSockets', 'ServerSentEvents', 'LongPolling']

export interface ClientKind {
  /** Without it the client takes the first that works. */
  readonly transport?: TransportName
  readonly protocol?: 'json' | 'messagepack'
}

/** Every pair that exists: Server-Sent Events carry text only. */
export const pairs = [
  { transport: 'WebSockets', protocol: 'json' },
  { transport: 'WebSockets', protocol: 'messagepack' },
  { transport: 'ServerSentEvents', protocol: 'json' },
  { transport: 'LongPolling', protocol: 'json' },
  { transport: 'LongPolling', protocol: 'messagepack' },
] as const satisfies readonly ClientKind[]

type ClientOptions = Omit<IHttpConnectionOptions, 'transport'> & ClientKind & { readonly reconnects?: boolean }
export type OfficialClient = HubConnection & AsyncDisposable

/** The official client as it is, not started. */
export function officialClient(url: string, options: ClientOptions = {}): OfficialClient {
  const { transport, protocol, reconnects = false, ...httpOptions } = options
  const builder = new HubConnectionBuilder()
    .withUrl(url, { ...httpOptions, ...(transport && { transport: HttpTransportType[transport] }) })
    .withHubProtocol(protocol === 'messagepack' ? new MessagePackHubProtocol() : new JsonHubProtocol())
    .configureLogging(LogLevel.None)
  if (reconnects) builder.withAutomaticReconnect([0, 10, 50])
  const client = builder.build()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.stop() })
}

export async function startedClient(url: string, options?: ClientOptions): Promise<OfficialClient> {
  const client = officialClient(url, options)
  await client.start()
  return client
}

/** Its `onclose`, which comes once. */
export function closeOf(client: HubConnection): Promise<Error | undefined> {
  return new Promise((resolve) => client.onclose(resolve))
}

/** The first call of a method by the server. */
export function callOf(client: HubConnection, method: string): Promise<unknown[]> {
  return new Promise((resolve) => client.on(method, (...args: unknown[]) => resolve(args)))
}

/** All items of a stream; rejects with its error. */
export function itemsOf(client: HubConnection, method: string, ...args: unknown[]): Promise<unknown[]> {
  const items: unknown[] = []
  return new Promise((resolve, reject) => {
    client.stream(method, ...args).subscribe({
      next: (item) => void items.push(item),
      error: reject,
      complete: () => resolve(items),
    })
  })
}

/** What the client does when it has heard nothing for too long. */
export const loseServer = (client: HubConnection): void =>
  (client as unknown as { serverTimeout(): void }).serverTimeout()

/** The id of the connection that the client makes by itself. */
export function reconnectionOf(client: HubConnection): Promise<string | undefined> {
  return new Promise((resolve) => client.onreconnected(resolve))
}

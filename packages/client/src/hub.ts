import { HttpTransportType, HubConnectionBuilder, LogLevel, type HubConnection } from '@microsoft/signalr'
import {
  operations,
  refusals,
  type HubEvent,
  type HubEventName,
  type InputOf,
  type OperationName,
  type OutputOf,
  type RefusalCode,
} from '@parley/protocol'
import { defaultTransports, hubTokenFactory, type AccessToken } from './access-token.ts'
import { keepRenewed } from './keep-renewed.ts'
import { RefusedError } from './refused-error.ts'

type Operations = typeof operations

/** The operations that the hub offers. */
type HubOperationName = {
  [Name in OperationName]: Operations[Name] extends { hub: string } ? Name : never
}[OperationName]

/** A connection to `/hubs/chat` with the names and types of the protocol, over the official SignalR client. */
export interface Hub extends AsyncDisposable {
  readonly connection: HubConnection
  invoke<Name extends HubOperationName>(
    name: Name,
    input: InputOf<Operations[Name]>,
  ): Promise<OutputOf<Operations[Name]>>
  on<Name extends HubEventName>(name: Name, listener: (event: HubEvent<Name>) => void): void
}

export interface HubOptions {
  /** The gateway's address, such as `http://localhost:8080`. */
  url: string
  accessToken: AccessToken
  skipNegotiation?: boolean
  /** Those that may be used: the first of the server's that works is taken. In Node, Server-Sent Events only if named. */
  transport?: HttpTransportType
}

/**
 * Connects; resolves when the server has said `Welcome`, from when on every change of the user's conversations arrives.
 * Listeners that must not miss the first changes are given to `listen`, which is called before the connection starts.
 */
export async function connectHub(options: HubOptions & { listen?: (hub: Pick<Hub, 'on'>) => void }): Promise<Hub> {
  const hub = hubOver(hubConnection(options).withAutomaticReconnect().build(), options)
  const { connection } = hub
  const welcomed = Promise.withResolvers<void>()
  connection.on('Welcome', () => welcomed.resolve())
  connection.onclose((error) => welcomed.reject(error ?? new Error('the connection was closed')))
  options.listen?.(hub)
  await connection.start()
  await welcomed.promise
  return hub
}

/** Of a connection that is not started, and does not start again by itself. */
export const createHub = (options: HubOptions): Hub => hubOver(hubConnection(options).build(), options)

function hubConnection(options: HubOptions): HubConnectionBuilder {
  const { url, accessToken, skipNegotiation = false } = options
  const transport = skipNegotiation ? HttpTransportType.WebSockets : (options.transport ?? defaultTransports())
  return new HubConnectionBuilder()
    .withUrl(`${url}/hubs/chat`, {
      accessTokenFactory: hubTokenFactory({ url, accessToken, transport }),
      skipNegotiation,
      transport,
    })
    .configureLogging(LogLevel.None)
}

function hubOver(connection: HubConnection, { accessToken }: Pick<HubOptions, 'accessToken'>): Hub {
  keepRenewed(connection, accessToken)
  return {
    connection,
    async invoke(name, input) {
      try {
        return await connection.invoke(operations[name].hub, input)
      } catch (error) {
        throw refusedErrorOf(error) ?? error
      }
    },
    on: (name, listener) => connection.on(name, listener),
    [Symbol.asyncDispose]: () => connection.stop(),
  }
}

/** The official client reports a refusal as an error whose text is `<code>: <sentence>`. */
function refusedErrorOf(error: unknown): RefusedError | undefined {
  const text = error instanceof Error ? error.message : ''
  const [, code = '', sentence = ''] = /^(\w+): (.*)$/s.exec(text) ?? []
  return code in refusals ? new RefusedError(code as RefusalCode, sentence) : undefined
}

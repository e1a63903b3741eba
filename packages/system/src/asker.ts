import { HttpTransportType, HubConnectionBuilder, LogLevel, type HubConnection } from '@microsoft/signalr'
import { operations, refusals, type Operation, type OperationName } from '@parley/protocol'

/** The bearer of a token, or of none, who can ask for every operation: by REST, or on the hub where it is offered there alone. */
export interface Asker extends AsyncDisposable {
  ask(name: OperationName, input: object): Promise<Asked>
}

export interface Asked {
  /** `ok`, or that of the refusal. */
  readonly code: string
  /** All that was answered, but what differs with every request. */
  readonly answer: unknown
  readonly output: unknown
}

export async function asker(gatewayUrl: string, accessToken: string | undefined): Promise<Asker> {
  let connection: HubConnection | undefined

  async function byRest(declared: Operation, input: object): Promise<Asked> {
    const [method = '', template = ''] = declared.rest!.split(' ')
    const left: Record<string, unknown> = { ...input }
    const path = template.replace(/\{(\w+)\}/g, (_match, field: string) => {
      const value = String(left[field])
      delete left[field]
      return encodeURIComponent(value)
    })
    const hasBody = method !== 'GET' && method !== 'DELETE'
    const query = new URLSearchParams(Object.entries(left).map(([name, value]) => [name, String(value)]))
    const response = await fetch(`${gatewayUrl}/api/v1${path}${hasBody ? '' : `?${query.toString()}`}`, {
      method,
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        ...(accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }),
      },
      ...(hasBody ? { body: JSON.stringify(left) } : {}),
    })
    const { requestId: _, ...answer } = (await response.json()) as { requestId?: string; code?: string }
    if (response.ok) return { code: 'ok', answer, output: answer }
    return { code: String(answer.code), answer: { status: response.status, ...answer }, output: undefined }
  }

  async function onHub(declared: Operation, input: object): Promise<Asked> {
    try {
      connection ??= await connect(gatewayUrl, accessToken ?? '')
      const output: unknown = await connection.invoke(declared.hub!, input)
      return { code: 'ok', answer: output, output }
    } catch (error) {
      const { message } = error as Error
      const code = Object.keys(refusals).find((known) => message.includes(`${known}: `))
      return { code: code ?? message, answer: message, output: undefined }
    }
  }

  return {
    ask(name, input) {
      const declared: Operation = operations[name]
      return declared.rest === undefined ? onHub(declared, input) : byRest(declared, input)
    },
    async [Symbol.asyncDispose]() {
      await connection?.stop()
    },
  }
}

async function connect(gatewayUrl: string, accessToken: string): Promise<HubConnection> {
  const connection = new HubConnectionBuilder()
    .withUrl(`${gatewayUrl}/hubs/chat`, {
      accessTokenFactory: () => accessToken,
      transport: HttpTransportType.WebSockets,
    })
    .configureLogging(LogLevel.None)
    .build()
  await connection.start()
  return connection
}

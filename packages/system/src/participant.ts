import {
  HttpTransportType,
  HubConnectionBuilder,
  LogLevel,
  type HubConnection,
  type IHubProtocol,
} from '@microsoft/signalr'
import type { Conversation, HubEvent, Message, SentMessage, User } from '@parley/protocol'
import { v7 as uuidv7 } from 'uuid'
import { untilAnswered } from './until-answered.ts'

/** A person in a test: a user with one connection of the official SignalR client, who remembers all they were told. */
export interface Participant extends AsyncDisposable {
  readonly user: User
  readonly accessToken: string
  readonly connection: HubConnection
  /** What `MessageCreated` told, in the order of its coming. */
  readonly heard: Message[]
  readonly conversations: Conversation[]
  /** Calls an operation of the hub. */
  invoke<Result>(method: string, input: object): Promise<Result>
  /** The same until it is answered, for what is safe to repeat. */
  persist<Result>(method: string, input: object): Promise<Result>
  /** Sends until it is acknowledged, as a good client does: with the same id, on a connection that is up. */
  say(conversationId: string, text: string): Promise<SentMessage>
}

const RECONNECT_PAUSE_MS = 100

/** How a participant connects: by default with JSON over WebSockets. */
export interface Way {
  readonly transport?: HttpTransportType
  readonly protocol?: IHubProtocol
  /** Attaches again to what it has lost, instead of starting anew. */
  readonly stateful?: boolean
  /** Called before the connection starts, with whose it is. */
  readonly prepare?: (connection: HubConnection, user: User) => void
}

export async function join(gatewayUrl: string, name: string, way: Way = {}): Promise<Participant> {
  const { accessToken, user } = await signIn(gatewayUrl, name)
  const builder = new HubConnectionBuilder()
    .withUrl(`${gatewayUrl}/hubs/chat`, {
      accessTokenFactory: () => accessToken,
      transport: way.transport ?? HttpTransportType.WebSockets,
    })
    .withAutomaticReconnect({ nextRetryDelayInMilliseconds: () => RECONNECT_PAUSE_MS })
    .configureLogging(LogLevel.None)
  if (way.protocol !== undefined) builder.withHubProtocol(way.protocol)
  if (way.stateful === true) builder.withStatefulReconnect()
  const connection = builder.build()
  const heard: Message[] = []
  const conversations: Conversation[] = []
  // First: the client calls the first listener of an event at once, and others a little later, out of order with other events.
  way.prepare?.(connection, user)
  connection.on('MessageCreated', (message: HubEvent<'MessageCreated'>) => heard.push(message))
  connection.on('ConversationAdded', (conversation: HubEvent<'ConversationAdded'>) => conversations.push(conversation))
  connection.on('ConversationRemoved', () => undefined)
  connection.on('MemberJoined', () => undefined)
  connection.on('MemberLeft', () => undefined)
  const welcomed = Promise.withResolvers<void>()
  connection.on('Welcome', () => welcomed.resolve())
  await connection.start()
  await welcomed.promise

  function say(conversationId: string, text: string): Promise<SentMessage> {
    const input = { conversationId, id: uuidv7(), text }
    return untilAnswered(() => connection.invoke<SentMessage>('SendMessage', input))
  }

  return {
    user,
    accessToken,
    connection,
    heard,
    conversations,
    invoke: (method, input) => connection.invoke(method, input),
    persist: <Result>(method: string, input: object) => untilAnswered(() => connection.invoke<Result>(method, input)),
    say,
    [Symbol.asyncDispose]: () => connection.stop(),
  }
}

export async function signIn(
  gatewayUrl: string,
  name: string,
  { admin = false } = {},
): Promise<{ accessToken: string; user: User }> {
  const response = await fetch(`${gatewayUrl}/dev/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, admin }),
  })
  if (!response.ok) throw new Error(`could not sign in: ${await response.text()}`)
  return (await response.json()) as { accessToken: string; user: User }
}

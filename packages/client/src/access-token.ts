import { HttpTransportType } from '@microsoft/signalr'
import { openRest } from './rest.ts'

/** One for good, or what gives one that is good now. */
export type AccessToken = string | (() => string | Promise<string>)

const { WebSockets, ServerSentEvents, LongPolling } = HttpTransportType

/** Those that are used unless others are asked for. In Node, every request of these two carries a header. */
export const defaultTransports = (): HttpTransportType => WebSockets | LongPolling | (isNode() ? 0 : ServerSentEvents)

/**
 * What the official client presents to the hub. Where it would put the access token into a URL, for proxies and logs to see,
 * it gets a ticket for each connect instead: on every WebSocket and stream of a browser, and on streams in Node.
 */
export function hubTokenFactory(options: {
  url: string
  accessToken: AccessToken
  transport: HttpTransportType
}): () => Promise<string> {
  const { url, accessToken, transport } = options
  const current = () => currentToken(accessToken)
  if (isNode() && (transport & ServerSentEvents) === 0) return current
  return async () => {
    const rest = openRest({ url, accessToken: await current() })
    return (await rest.perform('CreateConnectionTicket', {})).ticket
  }
}

export const currentToken = async (accessToken: AccessToken): Promise<string> =>
  typeof accessToken === 'string' ? accessToken : accessToken()

/** As the official client decides whether it can set headers. */
const isNode = (): boolean => typeof process !== 'undefined' && process.release?.name === 'node'

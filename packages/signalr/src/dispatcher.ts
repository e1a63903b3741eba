import { HubError } from './hub-error.ts'
import type { Hub, HubConnection, HubMethod } from './hub.ts'
import type { HubLog } from './log.ts'
import type { EncodedMessage } from './protocol/encoded-message.ts'
import { MessageType, type Invocation, type StreamInvocation } from './protocol/hub-message.ts'
import type { HubProtocol } from './protocol/hub-protocol.ts'

/** Finds and runs the hub's methods, and says what went wrong in the words that the official clients know. */
export interface Dispatcher<Identity, State> {
  /** Answers with the completion, or with undefined where the client wants no reply. Never rejects. */
  invoke(
    connection: HubConnection<Identity, State>,
    invocation: Invocation,
    protocol: HubProtocol,
  ): Promise<EncodedMessage | undefined>
  /** Why a streaming invocation cannot be answered. */
  refuseStream(invocation: StreamInvocation): string
  /** What the client is told about an error. */
  describe(prefix: string, error: unknown): string
}

export function createDispatcher<Identity, State>(
  hub: Hub<Identity, State>,
  options: { detailedErrors: boolean; log: HubLog },
): Dispatcher<Identity, State> {
  const methods = methodTable(hub)
  const methodNamed = (target: string) => methods.get(target) ?? methods.get(target.toLowerCase())

  function describe(prefix: string, error: unknown): string {
    if (error instanceof HubError) return error.message
    if (!options.detailedErrors) return prefix
    return error instanceof Error ? `${prefix} ${error.name}: ${error.message}` : `${prefix} ${String(error)}`
  }

  return {
    describe,
    async invoke(connection, { invocationId, target, arguments: args, streamIds }, protocol) {
      const prefix = `An unexpected error occurred invoking '${target}' on the server.`
      const failed = (error: string) => encodeCompletion(protocol, invocationId, { error })
      const method = methodNamed(target)
      if (method === undefined) return failed(`Unknown hub method '${target}'`)
      if (streamIds !== undefined && streamIds.length > 0) {
        return failed(`${prefix} HubException: Client sent ${streamIds.length} stream(s), Hub method expects 0.`)
      }
      try {
        const result = await method(connection, ...args)
        return encodeCompletion(protocol, invocationId, { result })
      } catch (error) {
        if (!(error instanceof HubError)) {
          options.log.error({ error, connectionId: connection.id, target }, 'hub method failed')
        }
        return failed(describe(prefix, error))
      }
    },
    refuseStream: ({ target }) =>
      methodNamed(target) === undefined
        ? `Unknown hub method '${target}'`
        : `The client attempted to invoke the non-streaming '${target}' method with a streaming invocation.`,
  }
}

/** Throws if the result cannot be written in the protocol. */
export function encodeCompletion(
  protocol: HubProtocol,
  invocationId: string | undefined,
  outcome: { result: unknown } | { error: string },
): EncodedMessage | undefined {
  if (invocationId === undefined) return undefined
  return protocol.encode({ type: MessageType.completion, invocationId, ...outcome })
}

/**
 * By their name as written and by their name in lower case. A map, so that no name finds what every object inherits.
 */
function methodTable<Identity, State>(hub: Hub<Identity, State>): Map<string, HubMethod<Identity, State>> {
  const methods = new Map<string, HubMethod<Identity, State>>()
  const lowerCaseNames = new Set<string>()
  for (const [name, method] of Object.entries(hub.methods)) {
    const lowerCaseName = name.toLowerCase()
    if (lowerCaseNames.has(lowerCaseName)) throw new Error(`The hub has two methods named '${lowerCaseName}'.`)
    lowerCaseNames.add(lowerCaseName)
    methods.set(name, method)
    methods.set(lowerCaseName, method)
  }
  return methods
}

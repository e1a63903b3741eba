import type { Call } from '../connection/call.ts'
import type { HubLog } from '../log.ts'
import { complete, type Caller } from './caller.ts'
import { ConnectionEndedError } from './connection-ended-error.ts'
import type { Hub, HubConnection } from './hub.ts'
import { HubError } from './hub-error.ts'
import { HubMethods, type RunnableMethod } from './hub-methods.ts'
import { streamToCaller } from './stream-to-caller.ts'
import { UploadError } from './upload-error.ts'

/** Finds and runs the hub's methods, and says what went wrong in the words that the official clients know. */
export interface Dispatcher<Identity, State> {
  /** Resolves when the call is answered and its method done. Never rejects. */
  answer(connection: HubConnection<Identity, State> & Caller, call: Call): Promise<void>
  /** What the client is told about an error. */
  describe(prefix: string, error: unknown): string
}

const STREAMING_FAILED = 'An error occurred on the server while streaming results.'
const invokingFailed = (target: string) => `An unexpected error occurred invoking '${target}' on the server.`

export function createDispatcher<Identity, State>(
  hub: Hub<Identity, State>,
  options: { detailedErrors: boolean; log: HubLog },
): Dispatcher<Identity, State> {
  const methods = new HubMethods(hub.methods)

  function describe(prefix: string, error: unknown): string {
    // A client takes an error without text for none.
    if (error instanceof HubError) return error.message || prefix
    if (error instanceof UploadError) return `${prefix} HubException: ${error.message}`
    if (!options.detailedErrors) return prefix
    return error instanceof Error ? `${prefix} ${error.name}: ${error.message}` : `${prefix} ${String(error)}`
  }

  function fail(connection: HubConnection<Identity, State> & Caller, call: Call, error: unknown): void {
    const { target } = call.message
    if (!(error instanceof HubError || error instanceof UploadError || isEndOf(call, error))) {
      options.log.error({ error, connectionId: connection.id, target }, 'hub method failed')
    }
    complete(connection, call, {
      error: describe(call.hasSentItems ? STREAMING_FAILED : invokingFailed(target), error),
    })
  }

  return {
    describe,
    async answer(connection, call) {
      const { target, arguments: args } = call.message
      const method = methods.named(target)
      if (method === undefined) return complete(connection, call, { error: `Unknown hub method '${target}'` })
      try {
        if (hub.authorize !== undefined && !(await hub.authorize(connection, method.name))) {
          return complete(connection, call, { error: `Failed to invoke '${target}' because user is unauthorized` })
        }
        const error = mismatch(method, call)
        if (error !== undefined) return complete(connection, call, { error })
        // Canceled before it began, or the connection ended while the hub made up its mind.
        if (call.isAnswered || call.isAborted) return
        const answer = method.run(connection, args, call)
        // A generator begins when it is asked for its first item.
        if (!isAsyncIterable(answer)) connection.begun(call)
        const result = await answer
        if (!method.streams) return complete(connection, call, { result })
        if (!isAsyncIterable(result)) throw new TypeError(`'${method.name}' did not answer with an async iterable.`)
        await streamToCaller(connection, call, result)
      } catch (error) {
        fail(connection, call, error)
      }
    },
  }
}

/** Why this method cannot be called in this way. */
function mismatch({ streams, uploads }: RunnableMethod<never, never>, call: Call): string | undefined {
  const { target } = call.message
  if (streams && !call.isStream) {
    return `The client attempted to invoke the streaming '${target}' method with a non-streaming invocation.`
  }
  if (!streams && call.isStream) {
    return `The client attempted to invoke the non-streaming '${target}' method with a streaming invocation.`
  }
  const sent = call.uploads.length
  if (sent === uploads) return undefined
  return `${invokingFailed(target)} HubException: Client sent ${sent} stream(s), Hub method expects ${uploads}.`
}

/** A method that ends because nobody waits for it any more has not failed. */
function isEndOf(call: Call, error: unknown): boolean {
  if (!call.isAborted || !(error instanceof Error)) return false
  return error instanceof ConnectionEndedError || error.name === 'AbortError'
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

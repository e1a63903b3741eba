import type { Call } from '../connection/call.ts'
import { MessageType } from '../protocol/hub-message.ts'
import { complete, type Caller } from './caller.ts'

/**
 * Sends the items of a stream and its completion. The next item is asked for only while little waits for the client, so
 * a stream without end takes neither memory nor the event loop for itself. When nobody waits for it any more, the stream
 * is told to return, even while its next item is on its way. Throws what the stream throws.
 */
export async function streamToCaller(caller: Caller, call: Call, stream: AsyncIterable<unknown>): Promise<void> {
  const { signal } = call
  const { invocationId } = call.message
  const iterator = stream[Symbol.asyncIterator]()
  let returned: Promise<unknown> | undefined
  const stop = () => {
    returned ??= Promise.try(() => iterator.return?.())
    // Awaited below, but maybe not before it rejects.
    returned.catch(() => {})
  }
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  try {
    const first = iterator.next()
    caller.begun(call)
    for (let next = await first; next.done !== true && !signal.aborted; next = await iterator.next()) {
      const item: unknown = next.value
      // Of the streams that wait for room, the first may have taken it.
      while (!caller.hasRoomToSend && !signal.aborted) await caller.roomToSend()
      if (signal.aborted) break
      caller.deliver(caller.protocol.encode({ type: MessageType.streamItem, invocationId: invocationId!, item }))
      call.hasSentItems = true
    }
    await returned
    complete(caller, call, {})
  } catch (error) {
    stop()
    await Promise.allSettled([returned])
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

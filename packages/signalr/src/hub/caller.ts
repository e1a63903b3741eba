import type { Call } from '../connection/call.ts'
import type { EncodedMessage } from '../protocol/encoded-message.ts'
import { MessageType, type Completion } from '../protocol/hub-message.ts'
import type { HubProtocol } from '../protocol/hub-protocol.ts'

/** The connection, as the one who made a call. */
export interface Caller {
  readonly hasEnded: boolean
  readonly protocol: HubProtocol
  /** The method has begun: the next one may, if this one has streams. */
  begun(call: Call): void
  deliver(message: EncodedMessage): void
  /** Little waits for the client: it takes what it gets. */
  readonly hasRoomToSend: boolean
  /** Resolves when there is room, or the connection has ended. */
  roomToSend(): Promise<void>
}

/** Sends the completion of a call, once, to those who want one. Throws if its result cannot be encoded. */
export function complete(caller: Caller, call: Call, outcome: Pick<Completion, 'result' | 'error'>): void {
  const { invocationId } = call.message
  if (call.isAnswered) return
  if (invocationId !== undefined && !caller.hasEnded) {
    caller.deliver(caller.protocol.encode({ type: MessageType.completion, invocationId, ...outcome }))
  }
  call.isAnswered = true
}

import type { HubEvent } from '@parley/protocol'
import { encodeInvocation, type Frame } from '@parley/signalr'

/** Tells a client that a conversation has changed too much to be told. */
export function syncRequired(topic: string): Frame {
  const argument: HubEvent<'SyncRequired'> = { reason: 'too_many_changes', conversationIds: [topic.slice('c:'.length)] }
  return encodeInvocation('SyncRequired', [argument])
}

import type { EncodedMessage } from './protocol/encoded-message.ts'
import { MessageType } from './protocol/hub-message.ts'
import type { HubProtocol } from './protocol/hub-protocol.ts'

/**
 * One message for any number of connections. It is encoded once for each hub protocol that turns out to be needed, and
 * the same bytes go to every connection.
 */
export class Frame {
  readonly #encode: (protocol: HubProtocol) => EncodedMessage
  readonly #encoded = new Map<HubProtocol, EncodedMessage>()

  constructor(encode: (protocol: HubProtocol) => EncodedMessage) {
    this.#encode = encode
  }

  encodedFor(protocol: HubProtocol): EncodedMessage {
    let encoded = this.#encoded.get(protocol)
    if (encoded === undefined) {
      encoded = this.#encode(protocol)
      this.#encoded.set(protocol, encoded)
    }
    return encoded
  }
}

/** Calls a method of the client. The arguments must not change any more. */
export function encodeInvocation(target: string, args: readonly unknown[]): Frame {
  return new Frame((protocol) => protocol.encode({ type: MessageType.invocation, target, arguments: args }))
}

/**
 * Calls a method of the client with one argument that is JSON already: it goes into the message unparsed and unchecked.
 * Only for clients in MessagePack is it parsed, once for all of them; sending it to one throws if it is not JSON.
 */
export function rawInvocation(target: string, argumentJson: string | Uint8Array): Frame {
  return new Frame((protocol) => protocol.encodeRawInvocation(target, argumentJson))
}

export const pingFrame = new Frame((protocol) => protocol.encode({ type: MessageType.ping }))

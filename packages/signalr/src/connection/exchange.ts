import { complete, type Caller } from '../hub/caller.ts'
import { ConnectionEndedError } from '../hub/connection-ended-error.ts'
import type { DisconnectReason, HubConnection, InvokeOptions } from '../hub/hub.ts'
import {
  MessageType,
  type Completion,
  type HubMessage,
  type Invocation,
  type StreamInvocation,
} from '../protocol/hub-message.ts'
import type { Call } from './call.ts'
import { ClientResults } from './client-results.ts'
import type { ConnectionHost } from './connection-host.ts'
import { Inbox, type InboxOwner } from './inbox.ts'
import type { MessageSink } from './incoming.ts'

export interface ExchangeOwner<Identity, State> extends HubConnection<Identity, State>, Caller {
  /** There may be room for what was not read yet. */
  readAgain(): void
  /** Until now the client may have been silent because it was not read. */
  wasBusy(): void
  clientCloses(): void
}

const CLIENT_RESULT_TIMEOUT_MS = 30_000

/** The calls of one connection, by the client and by the hub, and the messages that belong to them. */
export class Exchange<Identity, State> implements MessageSink, InboxOwner {
  readonly inbox: Inbox
  readonly #host: ConnectionHost<Identity, State>
  readonly #connection: ExchangeOwner<Identity, State>
  #results: ClientResults | undefined
  #isDraining = false

  constructor(host: ConnectionHost<Identity, State>, connection: ExchangeOwner<Identity, State>) {
    this.#host = host
    this.#connection = connection
    this.inbox = new Inbox(this, host.inboxLimits)
  }

  /** Takes no more invocations, and lets those finish that were taken; streams, which may have no end, are left out. */
  async drain(): Promise<void> {
    this.#isDraining = true
    await this.inbox.turnsSettled(this.#host.invocationGraceMs)
  }

  /**
   * The connection has ended. What a client sent before it left in good order is still done, but for streams, which have
   * lost their other end.
   */
  end(by: DisconnectReason): void {
    const reason = new ConnectionEndedError()
    this.inbox.end(reason, (call) => by === 'client closed' && !call.hasStreams)
    this.#results?.end(reason)
  }

  // By the hub

  async invoke(target: string, args: readonly unknown[], options: InvokeOptions = {}): Promise<unknown> {
    const { timeoutMs = CLIENT_RESULT_TIMEOUT_MS, signal } = options
    if (!Number.isFinite(timeoutMs)) throw new RangeError('The time-out must be a finite number of milliseconds.')
    signal?.throwIfAborted()
    if (this.#connection.hasEnded) throw new ConnectionEndedError()
    const invocationId = this.#host.nextInvocationId()
    const { protocol } = this.#connection
    const call = protocol.encode({ type: MessageType.invocation, invocationId, target, arguments: args })
    const results = (this.#results ??= new ClientResults(this.#host.wheel))
    try {
      const result = results.result(invocationId, { timeoutMs, signal })
      this.#connection.deliver(call)
      this.#connection.readAgain()
      return await result
    } finally {
      if (results.isEmpty && this.#results === results) this.#results = undefined
    }
  }

  // By the client

  takes(message: HubMessage): boolean {
    if (message.type === MessageType.invocation || message.type === MessageType.streamInvocation) {
      return this.inbox.hasRoom && !this.#isDraining
    }
    return message.type !== MessageType.streamItem || this.inbox.streams?.hasRoomFor(message) !== false
  }

  get readsAhead(): boolean {
    return this.#results !== undefined
  }

  isUrgent(message: HubMessage): boolean {
    if (message.type === MessageType.completion) return this.#isResult(message)
    return message.type >= MessageType.ping && message.type !== MessageType.close
  }

  handle(message: HubMessage, weight: number): void {
    switch (message.type) {
      case MessageType.invocation:
      case MessageType.streamInvocation:
        return this.#receive(message, weight)
      case MessageType.streamItem:
        return this.inbox.streams?.add(message, weight)
      case MessageType.completion:
        return this.#isResult(message) ? this.#results!.take(message) : this.inbox.streams?.endUpload(message)
      case MessageType.cancelInvocation:
        return this.#cancel(message.invocationId)
      case MessageType.close:
        return this.#connection.clientCloses()
      case MessageType.ping:
      case MessageType.ack:
      case MessageType.sequence:
      // They have done their work by coming.
    }
  }

  // For the inbox

  run(call: Call): Promise<void> {
    return this.#host.dispatcher.answer(this.#connection, call)
  }

  inboxHasRoom(): void {
    this.#connection.wasBusy()
    this.#connection.readAgain()
  }

  uploadHasRoom(): void {
    this.inboxHasRoom()
  }

  #isResult({ invocationId }: Completion): boolean {
    return this.#results?.has(invocationId) === true
  }

  #receive(message: Invocation | StreamInvocation, weight: number): void {
    const refusal = this.inbox.receive(message, weight)
    const { invocationId } = message
    if (refusal === undefined || invocationId === undefined) return
    const { protocol } = this.#connection
    this.#connection.deliver(protocol.encode({ type: MessageType.completion, invocationId, error: refusal }))
  }

  /** The client gets its completion at once, however long a canceled stream takes to stop. */
  #cancel(invocationId: string): void {
    const call = this.inbox.find(invocationId)
    if (call === undefined) return
    call.abort(new DOMException('The client has canceled the invocation.', 'AbortError'))
    if (call.isStream) complete(this.#connection, call, {})
  }
}

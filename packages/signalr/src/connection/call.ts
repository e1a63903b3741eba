import { MessageType, type Invocation, type StreamInvocation } from '../protocol/hub-message.ts'
import type { Upload } from './upload.ts'

/** One invocation by the client, from its arrival until its method has come to its end. */
export class Call {
  readonly message: Invocation | StreamInvocation
  readonly uploads: readonly Upload[]
  /** What it takes in memory, in bytes, roughly. */
  readonly weight: number
  /** Its completion was sent, so its id is free again. The method of a canceled stream may still run. */
  isAnswered = false
  /** Its stream has begun. */
  hasSentItems = false
  #abortReason: Error | undefined
  #controller: AbortController | undefined

  constructor(message: Invocation | StreamInvocation, weight: number, uploads: readonly Upload[]) {
    this.message = message
    this.weight = weight
    this.uploads = uploads
  }

  /** The client wants a stream. */
  get isStream(): boolean {
    return this.message.type === MessageType.streamInvocation
  }

  /** It begins in its turn, but the next need not wait for its end. */
  get hasStreams(): boolean {
    return this.isStream || this.uploads.length > 0
  }

  get isAborted(): boolean {
    return this.#abortReason !== undefined
  }

  /** Made only for those who ask for it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.isAborted) this.#controller.abort(this.#abortReason)
    }
    return this.#controller.signal
  }

  /** Nobody waits for the answer any more. */
  abort(reason: Error): void {
    if (this.isAborted) return
    this.#abortReason = reason
    for (const upload of this.uploads) upload.end(reason)
    this.#controller?.abort(reason)
  }

  /** Its method is done, and nobody reads what is left of its uploads. */
  finish(): void {
    for (const upload of this.uploads) upload.drop()
  }
}

import {
  MessageType,
  type Completion,
  type Invocation,
  type StreamInvocation,
  type StreamItem,
} from '../protocol/hub-message.ts'
import { UploadError } from '../hub/upload-error.ts'
import { Call } from './call.ts'
import { Upload, type UploadOwner } from './upload.ts'

export interface StreamLimits {
  /** How many streams may be open, in both directions together. */
  readonly openStreams: number
  /** How many items of an upload are kept until its method reads them. */
  readonly uploadItems: number
}

/** The streams of one connection. A stream counts until the method that it belongs to is done. */
export class OpenStreams {
  readonly #owner: UploadOwner
  readonly #limits: StreamLimits
  /** By the id that the client gave them, until it ends them or their method does. */
  readonly #uploads = new Map<string, Upload>()
  #open = 0

  constructor(owner: UploadOwner, limits: StreamLimits) {
    this.#owner = owner
    this.#limits = limits
  }

  get isEmpty(): boolean {
    return this.#open === 0
  }

  /** Opens the streams of an invocation, or answers why not. */
  open(message: Invocation | StreamInvocation): Call | string {
    const streamIds = message.streamIds ?? []
    const most = this.#limits.openStreams
    if (this.#open + countOf(message) > most) return `No more than ${most} streams may be open at the same time.`
    const taken = streamIds.find((id, index) => this.#uploads.has(id) || streamIds.indexOf(id) < index)
    if (taken !== undefined) return `Stream ID '${taken}' is already in use.`
    const uploads = streamIds.map(() => new Upload(this.#owner, this.#limits.uploadItems))
    for (const [index, id] of streamIds.entries()) this.#uploads.set(id, uploads[index]!)
    this.#open += countOf(message)
    return new Call(message, uploads)
  }

  close(call: Call): void {
    call.finish()
    this.#open -= countOf(call.message)
    for (const [index, id] of (call.message.streamIds ?? []).entries()) {
      // The client may have ended it long ago, and used its id again.
      if (this.#uploads.get(id) === call.uploads[index]) this.#uploads.delete(id)
    }
  }

  /** Whether an item finds room in its upload, or has none to go to. */
  hasRoomFor({ invocationId }: StreamItem): boolean {
    return this.#uploads.get(invocationId)?.hasRoom ?? true
  }

  add({ invocationId, item }: StreamItem): void {
    this.#uploads.get(invocationId)?.add(item)
  }

  endUpload({ invocationId, error }: Completion): void {
    this.#uploads.get(invocationId)?.end(error === undefined ? undefined : new UploadError(error))
    this.#uploads.delete(invocationId)
  }
}

function countOf({ type, streamIds }: Invocation | StreamInvocation): number {
  return (type === MessageType.streamInvocation ? 1 : 0) + (streamIds?.length ?? 0)
}

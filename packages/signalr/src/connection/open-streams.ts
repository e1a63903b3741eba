import { UploadError } from '../hub/upload-error.ts'
import {
  MessageType,
  type Completion,
  type Invocation,
  type StreamInvocation,
  type StreamItem,
} from '../protocol/hub-message.ts'
import { Call } from './call.ts'
import { Upload, type UploadOwner } from './upload.ts'

export interface OpenStreamsOwner {
  /** An item may find room that found none before. */
  uploadHasRoom(): void
}

export interface StreamLimits {
  /** How many streams may be open, in both directions together. */
  readonly openStreams: number
  /** How many items of an upload are kept until its method reads them. */
  readonly uploadItems: number
  /** What calls, the items of uploads, and the arguments of calls with streams may take in memory, each and roughly. */
  readonly unfinishedBytes: number
}

/** The streams of one connection. A stream counts until the method that it belongs to is done. */
export class OpenStreams implements UploadOwner {
  readonly #owner: OpenStreamsOwner
  readonly #limits: StreamLimits
  /** By the id that the client gave them, until it ends them or their method does. */
  readonly #uploads = new Map<string, Upload>()
  #open = 0
  #argumentBytes = 0
  #itemBytes = 0

  constructor(owner: OpenStreamsOwner, limits: StreamLimits) {
    this.#owner = owner
    this.#limits = limits
  }

  get isEmpty(): boolean {
    return this.#open === 0
  }

  /** Opens the streams of an invocation, or answers why not. */
  open(message: Invocation | StreamInvocation, weight: number): Call | string {
    const streamIds = message.streamIds ?? []
    const most = this.#limits.openStreams
    if (this.#open + countOf(message) > most) return `No more than ${most} streams may be open at the same time.`
    if (this.#open > 0 && this.#argumentBytes + weight > this.#limits.unfinishedBytes) {
      return 'The arguments of the open streams are too large together.'
    }
    const taken = streamIds.find((id, index) => this.#uploads.has(id) || streamIds.indexOf(id) < index)
    if (taken !== undefined) return `Stream ID '${taken}' is already in use.`
    const uploads = streamIds.map(() => new Upload(this, this.#limits.uploadItems))
    for (const [index, id] of streamIds.entries()) this.#uploads.set(id, uploads[index]!)
    this.#open += countOf(message)
    this.#argumentBytes += weight
    return new Call(message, weight, uploads)
  }

  close(call: Call): void {
    call.finish()
    this.#open -= countOf(call.message)
    this.#argumentBytes -= call.weight
    for (const [index, id] of (call.message.streamIds ?? []).entries()) {
      // The client may have ended it long ago, and used its id again.
      if (this.#uploads.get(id) === call.uploads[index]) this.#uploads.delete(id)
    }
  }

  /** Whether an item finds room in its upload, or has none to go to. */
  hasRoomFor({ invocationId }: StreamItem): boolean {
    const upload = this.#uploads.get(invocationId)
    return upload === undefined || (upload.hasRoom && this.#itemBytes < this.#limits.unfinishedBytes)
  }

  add({ invocationId, item }: StreamItem, weight: number): void {
    if (this.#uploads.get(invocationId)?.add(item, weight) === true) this.#itemBytes += weight
  }

  itemsTaken(weight: number, wasFull: boolean): void {
    const hadNoRoom = wasFull || this.#itemBytes >= this.#limits.unfinishedBytes
    this.#itemBytes -= weight
    if (hadNoRoom) this.#owner.uploadHasRoom()
  }

  endUpload({ invocationId, error }: Completion): void {
    this.#uploads.get(invocationId)?.end(error === undefined ? undefined : new UploadError(error))
    this.#uploads.delete(invocationId)
  }
}

function countOf({ type, streamIds }: Invocation | StreamInvocation): number {
  return (type === MessageType.streamInvocation ? 1 : 0) + (streamIds?.length ?? 0)
}

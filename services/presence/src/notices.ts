import { randomUUID } from 'node:crypto'
import { flush, notify, type Bus } from '@parley/bus'
import { presence, type PresenceNotice, type UserPresence } from '@parley/contracts'

/**
 * Tells all gateways what changes. They are numbered, so that who missed one knows it: by the next one, or by the beat, which
 * repeats the last number.
 */
export interface Notices {
  /** How many with changes there were. */
  readonly sent: number
  /** As said last. */
  readonly whole: boolean
  /** Resolves when NATS has it. */
  tell(changes: readonly UserPresence[]): Promise<void>
  beat(whole: boolean): void
}

/** Well below what NATS carries in one message. */
const NOTICE_BYTES = 512 * 1024

export function openNotices(bus: Bus, noticeBytes = NOTICE_BYTES): Notices {
  const senderId = randomUUID()
  let number = 0
  let whole = false

  function send(changes: readonly string[], next: number): void {
    const frame = JSON.stringify({ senderId, number: next, whole } satisfies Omit<PresenceNotice, 'changes'>)
    const json = `${frame.slice(0, -1)},"changes":[${changes.join()}]}`
    notify(bus, presence.notices.changed, {}, encoder.encode(json))
    // Not before: a number that was not said would be missed.
    number = next
  }

  return {
    get sent() {
      return number
    },
    get whole() {
      return whole
    },
    async tell(changes) {
      for (const part of inParts(
        changes.map((change) => JSON.stringify(change)),
        noticeBytes,
      ))
        send(part, number + 1)
      await flush(bus)
    },
    beat(wholeNow) {
      whole = wholeNow
      send([], number)
    },
  }
}

/** Each as large as it may be. */
function* inParts(changes: readonly string[], maxBytes: number): Generator<string[]> {
  let part: string[] = []
  let bytes = 0
  for (const change of changes) {
    const size = Buffer.byteLength(change) + 1
    if (part.length > 0 && bytes + size > maxBytes) {
      yield part
      part = []
      bytes = 0
    }
    part.push(change)
    bytes += size
  }
  if (part.length > 0) yield part
}

const encoder = new TextEncoder()

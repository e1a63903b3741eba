import type { PolicyEffect } from '@parley/protocol'
import { keptSinceWith, kindsChangedBy, type PolicyChange } from '../domain/policy-change.ts'
import type { Retention } from '../retention.ts'
import type { Expiring } from '../store/expiring.ts'
import {
  countFiles,
  countHeld,
  findExpiring,
  findSpans,
  hasHolds,
  listUnderRules,
  type Span,
  type Window,
} from '../store/preview.ts'
import type { Db } from '../store/tables.ts'

const CONVERSATIONS_AT_ONCE = 500
/** Read one by one for their files and senders. */
const MESSAGES_AT_ONCE = 20_000
const MOST_MESSAGES = 1_000_000

/** Undefined when there is no such conversation. */
export async function previewChange(
  db: Db,
  retention: Retention,
  change: PolicyChange,
  isOver: () => boolean,
): Promise<PolicyEffect | undefined> {
  const sum = { conversations: 0, messages: 0, files: 0, fileBytes: 0, heldMessages: 0 }
  const now = retention.now()
  const anyHolds = await hasHolds(db)
  let left = MOST_MESSAGES

  /** False when there is not enough time. */
  async function add(conversations: readonly Expiring[]): Promise<boolean> {
    const windows = conversations.map((conversation) => {
      const { messages, files } = keptSinceWith(retention.rules, change, conversation, now)
      return {
        messages: { conversation, after: retention.keptSince(conversation), upTo: messages },
        files: { conversation, after: filesSince(retention, conversation), upTo: files },
      }
    })
    const messages = await findSpans(
      db,
      windows.map((one) => one.messages),
    )
    const apart = windows.filter((one) => !isSame(one.files, one.messages)).map((one) => one.files)
    const isApart = new Set(apart.map(({ conversation }) => conversation.id))
    const files = [
      ...messages.filter(({ conversationId }) => !isApart.has(conversationId)),
      ...(await findSpans(db, apart)),
    ]
    sum.conversations += new Set([...messages, ...files].map(({ conversationId }) => conversationId)).size
    sum.messages += sizeOf(messages)
    for (const part of inParts(files)) {
      if (isOver() || left < 0) return false
      const counted = await countFiles(db, part)
      sum.files += counted.files
      sum.fileBytes += counted.fileBytes
      left -= sizeOf(part)
    }
    for (const part of anyHolds ? inParts(messages) : []) {
      if (isOver() || left < 0) return false
      sum.heldMessages += await countHeld(db, part)
      left -= sizeOf(part)
    }
    return !isOver()
  }

  if (change.conversationId !== null) {
    const conversation = await findExpiring(db, change.conversationId)
    if (conversation === undefined) return undefined
    const isComplete = await add([conversation])
    return { ...sum, isComplete }
  }
  const kinds = kindsChangedBy(retention.rules, change)
  let after: string | null = null
  for (;;) {
    const page: Expiring[] = await listUnderRules(db, { kinds, after, limit: CONVERSATIONS_AT_ONCE })
    if (!(await add(page))) return { ...sum, isComplete: false }
    if (page.length < CONVERSATIONS_AT_ONCE) return { ...sum, isComplete: true }
    after = page.at(-1)!.id
  }
}

/** Files that are gone do not expire. */
function filesSince(retention: Retention, conversation: Expiring): Date {
  const since = retention.filesKeptSince(conversation).getTime()
  // None that is older has files, but one of that moment may.
  return new Date(Math.max(since, (conversation.filesKeptFrom?.getTime() ?? 0) - 1))
}

const isSame = (one: Window, other: Window): boolean =>
  one.after.getTime() === other.after.getTime() && one.upTo.getTime() === other.upTo.getTime()

const sizeOf = (spans: readonly Span[]): number => spans.reduce((size, { from, to }) => size + to - from, 0)

/** Of a bounded size each. */
function* inParts(spans: readonly Span[]): Generator<Span[]> {
  let part: Span[] = []
  let size = 0
  for (const { conversationId, from, to } of spans) {
    for (let low = from; low < to;) {
      const high = Math.min(to, low + MESSAGES_AT_ONCE - size)
      part.push({ conversationId, from: low, to: high })
      size += high - low
      low = high
      if (size < MESSAGES_AT_ONCE) continue
      yield part
      part = []
      size = 0
    }
  }
  if (part.length > 0) yield part
}

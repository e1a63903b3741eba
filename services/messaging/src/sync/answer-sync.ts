import type { ConversationSync, InputOf, OutputOf, Sync } from '@parley/protocol'
import { weightOf } from '../domain/catch-up.ts'
import { firstThatFit, MAX_PAGE_BYTES } from '../domain/page.ts'
import type { Retention } from '../retention.ts'
import { readCatchUps } from '../store/catch-ups.ts'
import { BEFORE_ALL, findDiffering, type Asking, type DifferingRow, type Place, type Told } from '../store/differing.ts'
import { inSnapshot } from '../store/in-snapshot.ts'
import type { Db } from '../store/tables.ts'

export interface SyncRequest extends Pick<InputOf<typeof Sync>, 'conversations' | 'partial'> {
  readonly userId: string
  readonly since: string | null
  /** By answers before this one. */
  readonly told: Told | null
}

export interface SyncAnswer extends Omit<OutputOf<typeof Sync>, 'nextCursor'> {
  /** While there is more: for the next request. */
  readonly told: Told | null
}

/** A transaction may become visible so long after the times that it has written. */
const MARGIN_MS = 10_000
const CONVERSATIONS_PER_ANSWER = 250
/** Read together, in messages: about what fits into an answer. */
const WEIGHT_PER_READ = 1_500

const EVER = new Date(0)

/**
 * Conversations with changes and new ones come first, newest activity first: the versions that the client names next say
 * that it has them. Where that does not tell, which is so of receipts, and of more conversations than one request can name,
 * the place in the order tells, which travels with the client.
 */
export function answerSync(db: Db, retention: Retention, request: SyncRequest): Promise<SyncAnswer> {
  const { userId, since, partial = false, told } = request
  const named = [...new Map(request.conversations.map((conversation) => [conversation.id, conversation])).values()]
  const raisedAfter = withMargin(since === null ? EVER : new Date(since))
  const asking = { userId, named, raisedAfter, partial, told, movedAfter: withMargin(told?.startedAt ?? EVER) }
  return inSnapshot(db, async (snapshot) => {
    const { rows, removed, serverTime: readAt } = await findDiffering(snapshot, asking, CONVERSATIONS_PER_ANSWER + 1)
    const maxBytes = MAX_PAGE_BYTES - Buffer.byteLength(JSON.stringify(removed))
    const shown = rows.slice(0, CONVERSATIONS_PER_ANSWER)
    const conversations = await readPage(snapshot, retention, shown, { ...asking, maxBytes })
    const startedAt = told?.startedAt ?? readAt
    if (conversations.length === rows.length) {
      return { conversations, removed, hasMore: false, serverTime: startedAt.toISOString(), told: null }
    }
    // What is named is complete up to `since` only; of what is not, nothing is asked about but itself.
    const completeTo = named.length > 0 || partial ? EVER : readAt
    const serverTime = since ?? completeTo.toISOString()
    return {
      conversations,
      removed,
      hasMore: true,
      serverTime,
      told: toldWith(rows[conversations.length - 1]!, told, startedAt),
    }
  })
}

const withMargin = (time: Date): Date => new Date(Math.max(0, time.getTime() - MARGIN_MS))

/** The last row of an answer says how far it has come. */
function toldWith(
  { id, namedVersion, version, lastActivityAt }: DifferingRow,
  before: Told | null,
  startedAt: Date,
): Told {
  if (namedVersion === version) return { startedAt, newFrom: { at: EVER, id: BEFORE_ALL }, receiptsTo: id }
  const here = { at: lastActivityAt, id }
  const newFrom = before === null || isBefore(here, before.newFrom) ? here : before.newFrom
  return { startedAt, newFrom, receiptsTo: before?.receiptsTo ?? BEFORE_ALL }
}

const isBefore = (one: Place, other: Place): boolean =>
  one.at < other.at || (one.at.getTime() === other.at.getTime() && one.id < other.id)

/** The first that fit, at least one. */
async function readPage(
  db: Db,
  retention: Retention,
  rows: readonly DifferingRow[],
  asking: Asking & { maxBytes: number },
): Promise<ConversationSync[]> {
  const { maxBytes } = asking
  const page: ConversationSync[] = []
  let bytes = 0
  for (const part of partsOf(rows)) {
    const { catchUps, cut } = await readCatchUps(db, retention, part, asking)
    for (const catchUp of cut ? catchUps.slice(0, -1) : catchUps) {
      bytes += bytesOf(catchUp)
      if (bytes > maxBytes) break
      page.push(catchUp)
    }
    if (cut || bytes > maxBytes) break
  }
  const [first] = rows
  if (first === undefined || page.length > 0) return page
  const { catchUps } = await readCatchUps(db, retention, [first], { ...asking, newestOnly: true })
  return catchUps.map((catchUp) => shortened(catchUp, maxBytes))
}

/** Alone it is too much: the newest that fit. */
function shortened(catchUp: ConversationSync, maxBytes: number): ConversationSync {
  const space = maxBytes - bytesOf({ ...catchUp, messages: [] })
  const newest = firstThatFit(catchUp.messages.toReversed(), space)
  return { ...catchUp, messages: newest.toReversed(), reload: true }
}

const bytesOf = (catchUp: ConversationSync): number => Buffer.byteLength(JSON.stringify(catchUp)) + 1

function partsOf(rows: readonly DifferingRow[]): DifferingRow[][] {
  const parts: DifferingRow[][] = []
  let weight = Infinity
  for (const row of rows) {
    weight += weightOf(row)
    if (weight > WEIGHT_PER_READ) {
      parts.push([])
      weight = weightOf(row)
    }
    parts.at(-1)!.push(row)
  }
  return parts
}

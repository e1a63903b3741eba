import type { Conversation, ConversationSync, Member, Message } from '@parley/protocol'
import { tellsMemberships } from '../domain/capabilities.ts'
import { catchUpOf, FIRST_MEMBERS, NEWEST_MESSAGES, type CatchUp } from '../domain/catch-up.ts'
import { visibleFrom } from '../domain/periods.ts'
import type { Retention } from '../retention.ts'
import type { DifferingRow } from './differing.ts'
import { missedMembers, missedMessages, raisedReceipts } from './missed.ts'
import { asSeen } from './own-conversations.ts'
import type { Db } from './tables.ts'

interface Options {
  readonly userId: string
  readonly raisedAfter: Date
  /** With the newest of each, however little has changed. */
  readonly newestOnly?: boolean
}

/**
 * What a client needs for these conversations, in their order, up to the first whose messages can not fit into an answer
 * with those before it. That one is `cut`, the last, and has the messages that may fit.
 */
export async function readCatchUps(
  db: Db,
  retention: Retention,
  rows: readonly DifferingRow[],
  { userId, raisedAfter, newestOnly = false }: Options,
): Promise<{ catchUps: ConversationSync[]; cut: boolean }> {
  const ways = rows.map((row): CatchUp => (newestOnly ? { by: 'newest', forget: true } : catchUpOf(row)))
  const places = rows.flatMap((row, index) => {
    const way = ways[index]!
    if (way.by === 'receipts') return []
    const afterVersion = way.by === 'changes' ? way.after : null
    return [{ ...row, afterVersion, visibleFromSequence: visibleFrom(row, row), keptSince: retention.keptSince(row) }]
  })
  const messages = await missedMessages(db, places)
  const cutIndex = rows.findIndex(({ id }) => id === messages.cutAt)
  const cut = cutIndex >= 0
  const read = cut ? rows.slice(0, cutIndex + 1) : rows
  const readIds = new Set(read.map(({ id }) => id))
  const members = await missedMembers(
    db,
    places.filter((place) => readIds.has(place.id) && tellsMemberships(place)),
  )
  const receipts = await raisedReceipts(
    db,
    read.filter(({ receiptsRaised }) => receiptsRaised).map(({ id }) => id),
    { userId, raisedAfter },
  )
  const conversations = await asSeen(db, retention, read)
  const catchUps = conversations.map((conversation, index): ConversationSync => {
    const { id, version: to } = conversation
    const found = { messages: messages.byConversation.get(id) ?? [], members: members.get(id) ?? [] }
    const way = ways[index]!
    if (way.by === 'newest') return newestOf(conversation, found, way.forget)
    return { conversation, ...found, receipts: receipts.get(id) ?? [], to, reload: false }
  })
  return { catchUps, cut }
}

/** Whoever has not known the conversation has all of it, or is told to `reload` too: there is more to be read on demand. */
function newestOf(
  conversation: Conversation,
  found: { readonly messages: readonly Message[]; readonly members: readonly Member[] },
  forget: boolean,
): ConversationSync {
  const reload = forget || found.messages.length > NEWEST_MESSAGES || found.members.length > FIRST_MEMBERS
  const order = reload ? 'sequence' : 'version'
  return {
    conversation,
    messages: found.messages.slice(0, NEWEST_MESSAGES).toSorted((a, b) => a[order] - b[order]),
    members: found.members.slice(0, FIRST_MEMBERS),
    receipts: [],
    to: conversation.version,
    reload,
  }
}

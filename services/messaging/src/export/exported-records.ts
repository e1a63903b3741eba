import type { ReplyOf, messaging } from '@parley/contracts'
import type { ExportPlace } from '../domain/export-place.ts'
import type { Retention } from '../retention.ts'
import {
  listExportedBlocks,
  listExportedConversations,
  lookAtExported,
  readExported,
  readExportedEdits,
  type ExportedConversation,
} from '../store/exported.ts'
import { messageOf } from '../store/messages.ts'
import { readSettings } from '../store/settings.ts'
import type { Db, MessageRow } from '../store/tables.ts'

export type ExportedRecord = ReplyOf<(typeof messaging)['calls']['exportUser']>['records'][number]

/** What comes next of an export, which may be nothing, and the place after it. */
export interface ExportedPart {
  readonly records: readonly ExportedRecord[]
  readonly place: ExportPlace
}

interface Exporting {
  readonly db: Db
  readonly retention: Retention
  readonly userId: string
}

const CONVERSATIONS_AT_ONCE = 50
const LOOKED_AT = 1_000
/** Texts are read so many together. */
const TEXTS_AT_ONCE = 20

/** All that is kept of a user, and that they may see: from a place on, in a fixed order. */
export async function* exportedRecords(exporting: Exporting, from: ExportPlace): AsyncGenerator<ExportedPart> {
  const { db, userId } = exporting
  let place = from
  if (place.step === 'settings') {
    const settings = await readSettings(db, userId)
    place = { step: 'blocks', blockedId: null }
    yield { records: [{ kind: 'settings', data: { ...settings } }], place }
  }
  if (place.step === 'blocks') {
    for (const { blockedId, createdAt } of await listExportedBlocks(db, { userId, after: place.blockedId })) {
      const data = { userId: blockedId, blockedAt: createdAt.toISOString() }
      yield { records: [{ kind: 'blocks', data }], place: { step: 'blocks', blockedId } }
    }
    place = { step: 'conversations', conversationId: null, sequence: 0, edit: 0 }
  }
  yield* conversations(exporting, place)
}

async function* conversations(
  exporting: Exporting,
  place: Extract<ExportPlace, { step: 'conversations' }>,
): AsyncGenerator<ExportedPart> {
  const { db, userId } = exporting
  let from = place.conversationId
  for (;;) {
    const page = await listExportedConversations(db, { userId, from, limit: CONVERSATIONS_AT_ONCE })
    for (const conversation of page) {
      if (conversation.id === place.conversationId) yield* messages(exporting, conversation, place)
      // The last of a page is the first of the next.
      else if (conversation.id !== from) {
        const begun = { ...place, conversationId: conversation.id, sequence: 0, edit: 0 }
        yield { records: [membershipRecord(conversation)], place: begun }
        yield* messages(exporting, conversation, begun)
      }
    }
    if (page.length < CONVERSATIONS_AT_ONCE) return
    from = page.at(-1)!.id
  }
}

async function* messages(
  { db, retention, userId }: Exporting,
  conversation: ExportedConversation,
  place: Extract<ExportPlace, { step: 'conversations' }>,
): AsyncGenerator<ExportedPart> {
  const { id: conversationId, firstKeptSequence } = conversation
  const own = { conversationId, userId }

  async function* edits(sequence: number, from: number): AsyncGenerator<ExportedPart> {
    for (let after = from; ;) {
      const page = await readExportedEdits(db, { ...own, sequence, after, limit: TEXTS_AT_ONCE })
      for (const { messageId, version, text, mentions, replacedAt } of page) {
        const data = { conversationId, messageId, text, mentions, replacedAt: replacedAt.toISOString() }
        yield { records: [{ kind: 'edits', data }], place: { ...place, conversationId, sequence, edit: version } }
        after = version
      }
      if (page.length < TEXTS_AT_ONCE) return
    }
  }

  yield* edits(place.sequence, place.edit)
  for (let after = place.sequence; ;) {
    const keptSince = retention.keptSince(conversation)
    const looked = await lookAtExported(db, { ...own, after, firstKeptSequence, keptSince, limit: LOOKED_AT })
    const theirs = looked.filter(({ isOwn, reactions }) => isOwn || reactions.length > 0)
    for (let start = 0; start < theirs.length; start += TEXTS_AT_ONCE) {
      const some = theirs.slice(start, start + TEXTS_AT_ONCE)
      const ids = some.filter(({ isOwn }) => isOwn).map(({ id }) => id)
      const rows = new Map((ids.length === 0 ? [] : await readExported(db, ids)).map((row) => [row.id, row]))
      for (const { id: messageId, sequence, reactions } of some) {
        const row = rows.get(messageId)
        const given = reactions.map((reaction) => ({
          kind: 'reactions',
          data: { conversationId, messageId, ...reaction },
        }))
        const records = row === undefined ? given : [messageRecord(row), ...given]
        yield { records, place: { ...place, conversationId, sequence, edit: 0 } }
        if (row?.editedAt) yield* edits(sequence, 0)
      }
    }
    const last = looked.at(-1)
    if (last === undefined || looked.length < LOOKED_AT) return
    after = last.sequence
    // Nothing of theirs may come for long.
    yield { records: [], place: { ...place, conversationId, sequence: after, edit: Number.MAX_SAFE_INTEGER } }
  }
}

function membershipRecord(membership: ExportedConversation): ExportedRecord {
  const { id: conversationId, kind, title, role, deliveredSequence, readSequence } = membership
  const joinedAt = membership.joinedAt.toISOString()
  const leftAt = membership.leftAt?.toISOString() ?? null
  const mutedUntil = membership.mutedUntil?.toISOString() ?? null
  const data = { conversationId, kind, title, role, joinedAt, leftAt, deliveredSequence, readSequence, mutedUntil }
  return { kind: 'memberships', data }
}

/** Without what others have to do with it. */
function messageRecord(row: MessageRow): ExportedRecord {
  const { id, conversationId, sequence, text, replyTo, mentions, createdAt, editedAt, deletedAt } = messageOf(row)
  const attachments = row.attachments.map((attachment) => ({ ...attachment }))
  const data = { id, conversationId, sequence, text, attachments, replyTo, mentions, createdAt, editedAt, deletedAt }
  return { kind: 'messages', data }
}

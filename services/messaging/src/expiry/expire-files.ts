import { expireFiles, type FileSpan } from '../store/expired-files.ts'
import type { Expiring } from '../store/expiring.ts'
import { firstCreatedAfter } from '../store/first-sequences.ts'
import { findOldest, moveKeptFrom } from '../store/watermarks.ts'
import type { Expiry } from './expiring.ts'

/** Tells which files have expired before their messages. False when time is up before all is told: the next time goes on. */
export async function expireFilesOf(expiry: Expiry, conversations: readonly Expiring[]): Promise<boolean> {
  const { db, retention } = expiry
  const looked = conversations.filter(
    (conversation) =>
      conversation.lastMessageAt !== null &&
      conversation.lastMessageAt >= filesFrom(conversation) &&
      filesFrom(conversation) <= retention.filesKeptSince(conversation),
  )
  if (looked.length === 0) return true
  const spans = await spansOf(expiry, looked)
  for (const span of spans) {
    const next = await expireSpan(expiry, span)
    if (next === null) continue
    const reached = await findOldest(db, new Map([[span.conversationId, next]]))
    await moveKeptFrom(db, new Map([...reached].map(([id, { createdAt }]) => [id, createdAt])), 'files_kept_from')
    return false
  }
  const rest = await findOldest(db, new Map(spans.map(({ conversationId, to }) => [conversationId, to])))
  const moments = looked.map((one) => [one.id, rest.get(one.id)?.createdAt ?? firstKeptMoment(one)] as const)
  await moveKeptFrom(db, new Map(moments), 'files_kept_from')
  return true

  /** The files of what was created just at `filesKeptSince` have expired. */
  function firstKeptMoment(conversation: Expiring): Date {
    return new Date(retention.filesKeptSince(conversation).getTime() + 1)
  }
}

const filesFrom = ({ filesKeptFrom, createdAt }: Expiring): Date => filesKeptFrom ?? createdAt

/** The messages whose files have expired and were not told to have. */
async function spansOf({ db, retention }: Expiry, conversations: readonly Expiring[]): Promise<FileSpan[]> {
  const firstAfter = (momentOf: (conversation: Expiring) => Date) =>
    firstCreatedAfter(
      db,
      conversations.map((conversation) => ({
        conversationId: conversation.id,
        from: conversation.firstKeptSequence,
        to: conversation.lastSequence + 1,
        past: momentOf(conversation),
      })),
    )
  const from = await firstAfter((conversation) => new Date(filesFrom(conversation).getTime() - 1))
  const to = await firstAfter((conversation) => retention.filesKeptSince(conversation))
  return conversations.map(({ id }) => ({ conversationId: id, from: from.get(id)!, to: to.get(id)! }))
}

/** Where the rest begins when time is up; null: there is none. */
async function expireSpan(expiry: Expiry, span: FileSpan): Promise<number | null> {
  let { from } = span
  while (from < span.to) {
    const { next, files, held, told } = await expireFiles(expiry.db, { ...span, from })
    await expiry.done({ counts: { files, 'postgres.held': held }, told })
    if (next === null) return null
    if (expiry.pace.isOver) return next
    from = next
  }
  return null
}

import type { Evidence, MemberRow, Violations } from '../evidence.ts'
import type { MarkKind, Recording, Session } from '../recording.ts'

/**
 * I9: as each device is told it, nobody's watermark goes back or above the last message; and in the end it is the highest
 * that was acknowledged. Reading implies delivery, sending implies reading.
 */
export function checkReceipts({ recording, histories, database }: Evidence): Violations {
  const lastSequences = new Map(database.conversations.map(({ id, lastSequence }) => [id, lastSequence]))
  return [
    ...recording.sessions.flatMap((session) => observed(session, lastSequences)),
    ...database.members.flatMap((member) =>
      (['delivered', 'read'] as const).flatMap((kind) => kept(member, kind, { recording, histories })),
    ),
    ...recording.sessions.flatMap((session) => lastTold(session, { recording, histories, database })),
  ]
}

/** What one device was told, in the order of its coming. */
function observed(session: Session, lastSequences: ReadonlyMap<string, number>): Violations {
  const highest = new Map<string, number>()
  return session.watermarks.flatMap(({ conversationId, userId, kind, sequence }) => {
    const key = `${kind} of ${userId} in ${conversationId}`
    const before = highest.get(key) ?? 0
    highest.set(key, Math.max(before, sequence))
    const last = lastSequences.get(conversationId) ?? 0
    return [
      ...(sequence >= before ? [] : [`${session.id} was told that ${key} is ${sequence} after it was ${before}`]),
      ...(sequence <= last ? [] : [`${session.id} was told that ${key} is ${sequence}, beyond the last, ${last}`]),
    ]
  })
}

function kept(member: MemberRow, kind: MarkKind, told: Pick<Evidence, 'recording' | 'histories'>): Violations {
  const { conversationId, userId, joinedSequence } = member
  const least = Math.max(lastSent(member, told), ...marked(told.recording, member, kind, ['ok']))
  const most = Math.max(least, joinedSequence, ...marked(told.recording, member, kind, ['ok', 'unknown']))
  const is = kind === 'read' ? member.readSequence : member.deliveredSequence
  if (is >= least && is <= most) return []
  const expected = least === most ? String(least) : `from ${least} to ${most}`
  return [`${kind} of ${userId} in ${conversationId} is ${is} in the database, and should be ${expected}`]
}

function lastSent({ conversationId, userId }: MemberRow, { histories }: Pick<Evidence, 'histories'>): number {
  const messages = histories.get(conversationId) ?? []
  return messages.findLast(({ senderId }) => senderId === userId)?.sequence ?? 0
}

/**
 * A device that follows receipts must know of the others' last ones that were acknowledged, but for those below what the other
 * has sent: who sends has read what was said before, and it needs not be told.
 */
function lastTold(session: Session, { recording, histories, database }: Omit<Evidence, 'views'>): Violations {
  if (!session.followsReceipts) return []
  const conversations = new Set(session.shown.map(({ conversationId }) => conversationId))
  const told = Map.groupBy(session.watermarks, ({ conversationId }) => conversationId)
  return database.members.flatMap((member) => {
    const { conversationId, userId } = member
    if (!conversations.has(conversationId) || userId === session.userId) return []
    return (['delivered', 'read'] as const).flatMap((kind) => {
      const expected = Math.max(0, ...marked(recording, member, kind, ['ok']))
      const watermarks = told.get(conversationId) ?? []
      const own = watermarks.filter((watermark) => watermark.userId === userId && watermark.kind === kind)
      const last = own.at(-1)?.sequence ?? 0
      if (last >= expected || expected <= lastSent(member, { histories })) return []
      return [`${session.id} was last told that ${kind} of ${userId} in ${conversationId} is ${last}, not ${expected}`]
    })
  })
}

/** The sequences that a user has marked with one of these outcomes. */
function marked(
  { marks }: Recording,
  { conversationId, userId }: MemberRow,
  kind: MarkKind,
  outcomes: readonly string[],
): number[] {
  return marks
    .filter((mark) => mark.conversationId === conversationId && mark.userId === userId)
    .filter((mark) => mark.kind === kind || mark.kind === 'read')
    .filter(({ outcome }) => outcomes.includes(outcome.kind))
    .map(({ sequence }) => sequence)
}

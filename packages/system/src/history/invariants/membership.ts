import { dueAt } from '../due-at.ts'
import type { Evidence, Violations } from '../evidence.ts'
import type { Membership, Recording, Session } from '../recording.ts'
import { sendsOf } from '../sends.ts'

/**
 * I12: who was removed gets nothing that was said before they are added again, then or later, and nothing at all soon after;
 * who was added again shows all that was said since. Everybody shows the conversations they are a member of, and no other.
 * (Of conversations in which new members see what is said from when they joined.)
 */
export function checkMembership(evidence: Evidence): Violations {
  const { recording } = evidence
  return recording.sessions.flatMap((session) => [
    ...shownWrongly(session, evidence),
    ...[...Map.groupBy(recording.memberships, ({ conversationId }) => conversationId)].flatMap(
      ([conversationId, memberships]) => {
        const own = memberships.filter(({ userId }) => userId === session.userId)
        return own.length === 0 ? [] : seen(session, conversationId, { own, recording })
      },
    ),
  ])
}

function shownWrongly({ id, userId, shown }: Session, { database }: Evidence): Violations {
  const own = new Set(
    database.members.filter((member) => member.userId === userId).map(({ conversationId }) => conversationId),
  )
  const shows = new Set(shown.map(({ conversationId }) => conversationId))
  return [
    ...[...shows.difference(own)].map((conversationId) => `${id} shows ${conversationId} and is not a member`),
    ...[...own.difference(shows)].map(
      (conversationId) => `${id} is a member of ${conversationId} and does not show it`,
    ),
  ]
}

function seen(
  session: Session,
  conversationId: string,
  { own, recording }: { own: readonly Membership[]; recording: Recording },
): Violations {
  const absences = own.map(({ leftAt }, index) => ({
    from: leftAt ?? Infinity,
    until: own[index + 1]?.askedAt ?? Infinity,
  }))
  const heard = session.connections
    .flatMap((connection) => connection.heard)
    .filter(({ message }) => message.conversationId === conversationId)
  const shown = session.shown.find((one) => one.conversationId === conversationId)
  const shownIds = new Set(shown?.messages.map(({ id }) => id))
  const gotIds = new Set([...heard.map(({ message }) => message.id), ...shownIds])
  const sends = sendsOf(recording).filter((send) => send.conversationId === conversationId)
  const unseen = sends.filter(({ firstInvokedAt, acknowledgedAt }) =>
    absences.some(({ from, until }) => firstInvokedAt >= from && (acknowledgedAt ?? Infinity) <= until),
  )
  const { joinedAt, leavingAt } = own.at(-1)!
  const since = sends.filter(
    ({ firstInvokedAt, acknowledgedAt }) => acknowledgedAt !== null && firstInvokedAt >= (joinedAt ?? Infinity),
  )
  return [
    ...unseen
      .filter(({ messageId }) => gotIds.has(messageId))
      .map(({ messageId }) => `${session.id} got ${messageId}, which was said while they were no member`),
    ...heard
      .filter(({ at }) => absences.some(({ from, until }) => at > dueAt(from, recording.faults) && at < until))
      .map(({ message }) => `${session.id} heard ${message.id} long after they were removed`),
    ...since
      .filter(({ messageId }) => own.length > 1 && leavingAt === null && !shownIds.has(messageId))
      .map(({ messageId }) => `${session.id} does not show ${messageId}, which was said after they were added again`),
  ]
}

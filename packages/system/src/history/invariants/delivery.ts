import { dueAt } from '../due-at.ts'
import type { Evidence, Violations } from '../evidence.ts'
import type { Connection, Recording, Session } from '../recording.ts'
import { sendsOf, type Send } from '../sends.ts'

/**
 * I6: who is a member and connected from before a message is sent until it is due after its acknowledgement has heard it; and
 * on each connection messages of a conversation come in the order of their sequence, each once, and their changes in the order of
 * their version, each once. (Of what was on its way while
 * somebody connected it is not certain which way they got it: that they have it is for catch-up to judge.)
 */
export function checkDelivery({ recording }: Evidence): Violations {
  const acknowledged = sendsOf(recording).filter(({ acknowledgedAt }) => acknowledgedAt !== null)
  return recording.sessions.flatMap((session) =>
    session.connections.flatMap((connection, index) => {
      const name = `${session.id}, connection ${index + 1},`
      return [...outOfOrder(name, connection), ...unheard(name, { recording, session, connection, acknowledged })]
    }),
  )
}

function outOfOrder(name: string, { heard }: Connection): Violations {
  const last = new Map<string, number>()
  return heard.flatMap(({ event, message: { id, conversationId, sequence, version } }) => {
    const [key, is] = [`${event} ${conversationId}`, event === 'MessageCreated' ? sequence : version]
    const before = last.get(key) ?? 0
    last.set(key, Math.max(before, is))
    return is > before ? [] : [`${name} heard ${event} of ${id} (${is}) after ${before}`]
  })
}

function unheard(
  name: string,
  told: { recording: Recording; session: Session; connection: Connection; acknowledged: readonly Send[] },
): Violations {
  const { recording, session, connection, acknowledged } = told
  const heardAt = new Map(created(connection.heard).map(({ at, message }) => [message.id, at]))
  const own = recording.memberships.filter(({ userId }) => userId === session.userId)
  return acknowledged.flatMap(({ messageId, conversationId, firstInvokedAt, acknowledgedAt }) => {
    const from = acknowledgedAt ?? 0
    const due = dueAt(from, recording.faults)
    // One that is still open when the recording ends had all the time it needed.
    const connected = connection.connectedAt <= firstInvokedAt && (connection.disconnectedAt ?? Infinity) >= due
    const member = own.some(
      (membership) =>
        membership.conversationId === conversationId &&
        (membership.joinedAt ?? Infinity) <= firstInvokedAt &&
        (membership.leavingAt ?? Infinity) >= due,
    )
    if (!connected || !member || isExcused(connection, conversationId, firstInvokedAt)) return []
    const at = heardAt.get(messageId)
    if (at === undefined) return [`${name} has not heard ${messageId}`]
    return at <= due ? [] : [`${name} heard ${messageId} ${Math.round(at - from)} ms after it was acknowledged`]
  })
}

/** It was told, after the message was sent, that it must ask for what it missed. */
const isExcused = ({ excuses }: Connection, conversationId: string, since: number): boolean =>
  excuses.some(({ at, conversationIds: ids }) => at >= since && (ids.length === 0 || ids.includes(conversationId)))

const created = (heard: Connection['heard']) => heard.filter(({ event }) => event === 'MessageCreated')

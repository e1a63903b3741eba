import { isDeepStrictEqual } from 'node:util'
import type { Message } from '@parley/protocol'
import { dueAt } from '../due-at.ts'
import type { Evidence, Violations } from '../evidence.ts'
import type { Attempt } from '../recording.ts'

/** I10: in the end every client and the database have the same state of each message: the last change's. No body outlives its deletion. */
export function checkConvergence(evidence: Evidence): Violations {
  const messages = new Map([...evidence.histories.values()].flat().map((message) => [message.id, message]))
  return [
    ...unapplied(evidence, messages),
    ...unreacted(evidence, messages),
    ...untitled(evidence),
    ...diverged(evidence, messages),
    ...outlived(evidence),
  ]
}

/** What was changed with an acknowledgement must show it, unless a later or simultaneous change took its place. */
function unapplied({ recording }: Evidence, messages: ReadonlyMap<string, Message>): Violations {
  const done = recording.changes.filter(({ outcome }) => outcome.kind !== 'refused')
  return [...Map.groupBy(done, ({ messageId }) => messageId)].flatMap(([id, changes]) => {
    const message = messages.get(id)
    const acknowledged = changes.filter(({ outcome }) => outcome.kind === 'ok')
    if (message === undefined || acknowledged.length === 0) return []
    if (acknowledged.some(({ text }) => text === null)) {
      return message.deletedAt !== null && message.text === '' ? [] : [`${id} was deleted and says ${message.text}`]
    }
    if (notReplaced(changes).some(({ text }) => text === (message.deletedAt === null ? message.text : null))) return []
    return [`${id} says ${message.text} after it was changed to ${acknowledged.at(-1)?.text}`]
  })
}

/** The same of reactions: each user's of each emoji is there, or is not. A deleted message has none. */
function unreacted({ recording }: Evidence, messages: ReadonlyMap<string, Message>): Violations {
  const done = recording.reactions.filter(({ outcome }) => outcome.kind !== 'refused')
  const grouped = Map.groupBy(done, ({ messageId, userId, emoji }) => JSON.stringify([messageId, userId, emoji]))
  return [...grouped.values()].flatMap((attempts) => {
    const { messageId, userId, emoji } = attempts[0]!
    const message = messages.get(messageId)
    if (message === undefined || message.deletedAt !== null || !attempts.some(isAcknowledged)) return []
    const isThere = message.reactions.some((one) => one.emoji === emoji && one.userIds.includes(userId))
    if (notReplaced(attempts).some((attempt) => attempt.isThere === isThere)) return []
    return [`${messageId} has ${isThere ? '' : 'not '}${emoji} of ${userId}, who did otherwise last`]
  })
}

/** And of titles. */
function untitled({ recording, views }: Evidence): Violations {
  const done = recording.titles.filter(({ outcome }) => outcome.kind !== 'refused')
  const grouped = Map.groupBy(done, ({ conversationId }) => conversationId)
  return views.flatMap(({ conversation: { id, title } }) => {
    const attempts = grouped.get(id) ?? []
    if (!attempts.some(isAcknowledged) || notReplaced(attempts).some((attempt) => attempt.title === title)) return []
    return [`${id} is called ${title} after it was renamed to ${attempts.findLast(isAcknowledged)?.title}`]
  })
}

const isAcknowledged = ({ outcome }: Attempt<null>): boolean => outcome.kind === 'ok'

/** Those that may have had the last word: after which no other was begun and acknowledged. */
const notReplaced = <Change extends Attempt<null>>(changes: readonly Change[]): Change[] =>
  changes.filter((change) => !changes.some((later) => isAcknowledged(later) && isBefore(change, later)))

/** One that has no known end may come into effect at any time. */
const isBefore = (earlier: Attempt<null>, later: Attempt<null>): boolean =>
  isAcknowledged(earlier) && (earlier.endedAt ?? Infinity) < later.invokedAt

function diverged({ recording, database }: Evidence, messages: ReadonlyMap<string, Message>): Violations {
  const rows = database.messages.flatMap(({ id, version, text, isDeleted }) => {
    const message = messages.get(id)
    if (message === undefined) return []
    const { deletedAt } = message
    const isSame = message.version === version && message.text === text && (deletedAt !== null) === isDeleted
    return isSame ? [] : [`the database has another state of ${id} than its history`]
  })
  const shown = recording.sessions.flatMap((session) =>
    session.shown
      .flatMap((conversation) => conversation.messages)
      .filter((message) => messages.has(message.id) && !isDeepStrictEqual(message, messages.get(message.id)))
      .map(({ id }) => `${session.id} shows another state of ${id} than its history`),
  )
  return [...rows, ...shown]
}

function outlived({ recording }: Evidence): Violations {
  const dueOf = new Map(
    recording.changes
      .filter(({ text, outcome }) => text === null && outcome.kind === 'ok')
      .map(({ messageId, endedAt }) => [messageId, dueAt(endedAt ?? 0, recording.faults)]),
  )
  return recording.sessions.flatMap((session) =>
    session.connections
      .flatMap(({ heard }) => heard)
      .filter(({ at, message }) => message.text !== '' && at > (dueOf.get(message.id) ?? Infinity))
      .map(({ message }) => `${session.id} heard what ${message.id} said after it was deleted`),
  )
}

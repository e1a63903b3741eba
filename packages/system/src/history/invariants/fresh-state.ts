import { isDeepStrictEqual } from 'node:util'
import type { Conversation, Member } from '@parley/protocol'
import type { Evidence, Violations, View } from '../evidence.ts'
import type { Shown } from '../recording.ts'

/** What a device has of a conversation, by answers and events over time, is what it would read now. */
export function checkFreshState({ recording, views }: Evidence): Violations {
  return recording.sessions.flatMap(({ id: sessionId, shown }) =>
    shown.flatMap((one) => {
      const view = views.find(
        ({ sessionId: id, conversation }) => id === sessionId && conversation.id === one.conversationId,
      )
      if (view === undefined) return [`${sessionId} shows ${one.conversationId} and can not read it`]
      return differences(one, view).map((what) => `${sessionId} has in ${one.conversationId} ${what}`)
    }),
  )
}

function differences({ messages, conversation, members }: Shown, view: View): string[] {
  const stale = messages.find((message, index) => !isDeepStrictEqual(message, view.messages[index]))
  return [
    ...(messages.length === view.messages.length ? [] : [`${messages.length} messages of ${view.messages.length}`]),
    ...(stale === undefined ? [] : [`another message at ${stale.sequence}: ${JSON.stringify(stale)}`]),
    ...(conversation === undefined ? [] : fieldsThatDiffer(conversation, view.conversation)),
    ...(members === undefined ? [] : membersThatDiffer(members, view.members)),
  ]
}

/** But for its version: messages raise it too, and tell theirs. */
function fieldsThatDiffer(has: Conversation, is: Conversation): string[] {
  return (Object.keys(is) as (keyof Conversation)[])
    .filter((field) => field !== 'version' && !isDeepStrictEqual(has[field], is[field]))
    .map((field) => `${field} ${JSON.stringify(has[field])}, which is ${JSON.stringify(is[field])}`)
}

/** But for their receipts, some of which are nobody else's business. */
function membersThatDiffer(has: readonly Member[], is: readonly Member[]): string[] {
  const sorted = (members: readonly Member[]) =>
    JSON.stringify(members.map(({ userId, role, joinedAt }) => `${userId} ${role} ${joinedAt}`).toSorted())
  return sorted(has) === sorted(is) ? [] : [`the members ${sorted(has)}, who are ${sorted(is)}`]
}

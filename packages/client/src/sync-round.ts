import { limits } from '@parley/protocol'
import type { Hub } from './hub.ts'
import { questionOf, type Asked, type SyncAnswer } from './state/apply-sync.ts'
import type { ChatState } from './state/chat-state.ts'
import type { Conversation } from '@parley/protocol'

/** What a round works on; each throws when the connection has ended. */
export interface SyncParts {
  readonly hub: Pick<Hub, 'invoke'>
  readonly state: () => ChatState
  readonly answered: (asked: Asked, answer: SyncAnswer) => void
  /** Conversations of the user, as a list tells them. */
  readonly listed: (asked: Asked, conversations: readonly Conversation[]) => void
}

/** Leaves room for those that the answers add. */
const NAMED_AT_ONCE = limits.conversationsPerSync / 2

/**
 * Asks until everything is here; the answer is up to when. More conversations than one request may name are asked about
 * in parts. Those that no answer can bring, because the others may not all be named, come from the inbox.
 */
export async function syncAll(parts: SyncParts, welcomedAt: string): Promise<string> {
  const { since } = parts.state()
  const known = [...parts.state().conversations.keys()]
  if (known.length <= NAMED_AT_ONCE) {
    const { isCut, serverTime } = await ask(parts, known, { since, partial: false })
    if (!isCut) return serverTime
    await listAll(parts)
    await syncSome(parts, [...parts.state().conversations.keys()], welcomedAt)
    return welcomedAt
  }
  return syncSome(parts, known, since)
}

/** The same of these alone, and of what became the user's since. */
export async function syncSome(
  parts: SyncParts,
  conversationIds: readonly string[],
  since: string | null,
): Promise<string> {
  const upTo: string[] = []
  for (let from = 0; from < conversationIds.length; from += NAMED_AT_ONCE) {
    const part = conversationIds.slice(from, from + NAMED_AT_ONCE)
    const { isCut, serverTime } = await ask(parts, part, { since, partial: true })
    if (isCut) await listAll(parts)
    upTo.push(serverTime)
  }
  return upTo.toSorted()[0] ?? since ?? new Date(0).toISOString()
}

async function ask(
  { hub, state, answered }: SyncParts,
  conversationIds: readonly string[],
  { since, partial }: { since: string | null; partial: boolean },
): Promise<{ isCut: boolean; serverTime: string }> {
  const named = new Set(conversationIds)
  let cursor: string | null = null
  let reached = since
  for (;;) {
    const asked = questionOf(state(), named)
    const { conversations } = asked
    const answer: SyncAnswer = await hub.invoke('Sync', { conversations, since: reached, partial, cursor })
    answered(asked, answer)
    const { hasMore, serverTime } = answer
    if (!hasMore) return { isCut: false, serverTime }
    for (const { conversation } of answer.conversations) named.add(conversation.id)
    if (named.size > limits.conversationsPerSync) return { isCut: true, serverTime }
    cursor = answer.nextCursor
    reached = serverTime
  }
}

async function listAll({ hub, state, listed }: SyncParts): Promise<void> {
  let cursor: string | null = null
  do {
    const asked = questionOf(state(), [])
    const page: { conversations: Conversation[]; nextCursor: string | null } = await hub.invoke('ListConversations', {
      limit: limits.pageSize,
      ...(cursor !== null && { cursor }),
    })
    listed(asked, page.conversations)
    cursor = page.nextCursor
  } while (cursor !== null)
}

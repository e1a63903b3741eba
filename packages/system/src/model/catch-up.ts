import type { ConversationSync } from '@parley/protocol'
import { expect } from 'vitest'
import type { Output } from './device.ts'
import type { ModelConversation, ModelMember } from './model-conversation.ts'
import type { ModelTalk } from './model-talk.ts'
import { seenConversation, seenMember, seenMessage } from './seen.ts'
import { conversationView, historyView, inboxView, memberView } from './views.ts'

/** What a device knew when it went. */
export interface Knowledge {
  readonly versions: { readonly id: string; readonly version: number }[]
  /** By conversation and user, up to where others have read as far as it was told. */
  readonly reads: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly since: string | null
}

/** The newest that are told of a conversation that is new, or begun anew. */
const NEWEST_MESSAGES = 50

export function knowledgeOf(talk: ModelTalk, userId: string): Omit<Knowledge, 'since'> {
  const own = talk.conversations.filter((conversation) => conversation.member(userId) !== undefined)
  return {
    versions: own.map(({ id, version }) => ({ id, version })),
    reads: new Map(
      own.map(({ id, members }) => [id, new Map(members.map((member) => [member.userId, member.shownRead]))]),
    ),
  }
}

/** `Sync` tells exactly what has changed since, and nothing that is not the user's to see. */
export function expectCaughtUp(
  talk: ModelTalk,
  userId: string,
  { knowledge, answer }: { knowledge: Knowledge; answer: Output<'Sync'> },
): void {
  const { versions, reads } = knowledge
  const own = inboxView(talk, userId).map(({ id }) => id)
  expect(answer.hasMore, 'there is no more to sync').toBe(false)
  expect(answer.removed.toSorted(), 'removed').toEqual(
    versions
      .map(({ id }) => id)
      .filter((id) => !own.includes(id))
      .toSorted(),
  )
  const told = new Map(answer.conversations.map((sync) => [sync.conversation.id, sync]))
  expect(
    [...told.keys()].filter((id) => !own.includes(id)),
    'conversations of others',
  ).toEqual([])
  for (const conversation of talk.conversations) {
    const member = conversation.member(userId)
    if (member === undefined) continue
    const named = versions.find(({ id }) => id === conversation.id)?.version
    const sync = told.get(conversation.id)
    if (sync !== undefined) expectSync(sync, conversation, { member, named })
    else expect(named, 'what has changed is told').toBe(conversation.version)
    expectReads(conversation, { member, known: reads.get(conversation.id), sync })
  }
}

function expectSync(
  sync: ConversationSync,
  conversation: ModelConversation,
  { member, named }: { member: ModelMember; named: number | undefined },
): void {
  const isAnew = named !== undefined && (named < member.joinedVersion || named > conversation.version)
  const visible = historyView(conversation, member)
  const [messages, members] =
    named === undefined || isAnew
      ? [visible.slice(-NEWEST_MESSAGES), conversation.members]
      : [
          visible.filter(({ version }) => version > named),
          [...conversation.people.values()].filter(({ changedVersion }) => changedVersion > named),
        ]
  const reload = isAnew || (named === undefined && visible.length > NEWEST_MESSAGES)
  const order = reload ? 'sequence' : 'version'
  expect(sync.conversation && seenConversation(sync.conversation), 'synced').toEqual(
    conversationView(conversation, member),
  )
  expect({ reload: sync.reload, to: sync.to, messages: sync.messages.map(seenMessage) }, 'synced').toEqual({
    reload,
    to: conversation.version,
    messages: messages.toSorted((a, b) => a[order] - b[order]),
  })
  expect(byUser(sync.members.map(seenMember)), 'synced members').toEqual(byUser(members.map(memberView)))
}

/** What was known, with what is told, makes what is. */
function expectReads(
  conversation: ModelConversation,
  told: {
    member: ModelMember
    known: ReadonlyMap<string, number> | undefined
    sync: ConversationSync | undefined
  },
): void {
  // There they are counted, and only when asked for.
  if (conversation.kind === 'channel') return
  const reads = new Map(told.known)
  for (const { userId, readSequence } of [...(told.sync?.members ?? []), ...(told.sync?.receipts ?? [])]) {
    reads.set(userId, Math.max(reads.get(userId) ?? 0, readSequence))
  }
  for (const { userId, shownRead } of conversation.members) {
    if (userId !== told.member.userId) expect(reads.get(userId) ?? 0, 'read by another').toBe(shownRead)
  }
}

const byUser = <Item extends { readonly userId: string }>(items: readonly Item[]): Item[] =>
  items.toSorted((a, b) => (a.userId < b.userId ? -1 : 1))

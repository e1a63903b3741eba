import { must, type Answer } from '@parley/bus'
import type { Conversation, Message } from '@parley/protocol'
import { actorOf, codeOf, type World } from './world.ts'

interface Place {
  readonly conversationId: string
  readonly messageId: string
  readonly sequence: number
}

/** What a member is told of a message on each path on which it can be read: whether it is there, or why they are refused. */
export async function pathsTo({ calls }: World, userId: string, { conversationId, messageId, sequence }: Place) {
  const actor = actorOf(userId)
  const place = { actor, conversationId, messageId }
  const isIn = (messages: readonly { readonly id: string }[]) => messages.some(({ id }) => id === messageId)
  const page = async (named: { before?: number; after?: number }) =>
    foundBy(await calls.getMessages({ actor, conversationId, ...named }), ({ messages }) => isIn(messages))
  const synced = async (conversations: { id: string; version: number }[]) => {
    const answer = must(await calls.sync({ actor, conversations, since: null }))
    return isIn(answer.conversations.flatMap(({ messages }) => messages))
  }
  const repaired = async (topic: string) => {
    const { changes } = must(await calls.listChanges({ topic, afterVersion: 0 }))
    return changes.map(({ argument }) => argument as Message & Conversation)
  }
  const { conversations: listed } = must(await calls.listConversations({ actor }))
  const { lastMessage, me } = must(await calls.getConversation({ actor, conversationId }))
  return {
    newest: await page({}),
    older: await page({ before: sequence + 1 }),
    newer: await page({ after: sequence - 1 }),
    edits: foundBy(await calls.listEdits(place), ({ edits }) => edits.length > 0),
    receipts: foundBy(await calls.getReceipts(place), ({ memberCount }) => memberCount > 0),
    files: must(await calls.seesMessage({ userId, conversationId, messageId })).sees,
    firstSync: await synced([]),
    nextSync: await synced([{ id: conversationId, version: 1 }]),
    repair: isIn(await repaired(`c:${conversationId}`)),
    ownRepair: (await repaired(`u:${userId}`)).some(({ lastMessage: last }) => last?.id === messageId),
    last: lastMessage?.id === messageId,
    listed: listed.some(({ lastMessage: last }) => last?.id === messageId),
    unread: me!.unreadCount,
    mentions: me!.mentionCount,
  }
}

const foundBy = <Value>(answer: Answer<Value>, isFound: (value: Value) => boolean): boolean | string =>
  answer.ok ? isFound(answer.value) : answer.refusal.code

/** Of a message that is there, alone and unread. */
export const shown = {
  newest: true,
  older: true,
  newer: true,
  edits: true,
  receipts: true,
  files: true,
  firstSync: true,
  nextSync: true,
  repair: true,
  ownRepair: true,
  last: true,
  listed: true,
  unread: 1,
  mentions: 1,
}

/** Of one that has expired. */
export const hidden = {
  newest: false,
  older: false,
  newer: 'history_expired',
  edits: 'message_not_found',
  receipts: 'message_not_found',
  files: false,
  firstSync: false,
  nextSync: false,
  repair: false,
  ownRepair: false,
  last: false,
  listed: false,
  unread: 0,
  mentions: 0,
}

/** What becomes of everything that its author can do with a message; what is done last deletes it. */
export async function useOf(world: World, authorId: string, { conversationId, messageId }: Place) {
  const { calls } = world
  const place = { actor: actorOf(authorId), conversationId, messageId }
  const outcome = (answer: Answer<unknown>) => (answer.ok ? 'done' : answer.refusal.code)
  return {
    edited: outcome(await calls.editMessage({ ...place, text: 'edited again' })),
    reacted: outcome(await calls.addReaction({ ...place, emoji: '🎉' })),
    takenBack: outcome(await calls.removeReaction({ ...place, emoji: '🎉' })),
    replied: codeOf(await world.send(authorId, conversationId, { replyTo: messageId })),
    deleted: outcome(await calls.deleteMessage(place)),
  }
}

export const possible = { edited: 'done', reacted: 'done', takenBack: 'done', replied: 'sent', deleted: 'done' }

export const impossible = {
  edited: 'message_not_found',
  reacted: 'message_not_found',
  takenBack: 'message_not_found',
  replied: 'reply_not_found',
  deleted: 'message_not_found',
}

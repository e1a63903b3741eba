import { RefusedError, type Chat } from '@parley/client'
import type { Conversation } from '@parley/protocol'

export interface Doings {
  readonly chat: Chat
  readonly userIds: readonly string[]
  readonly random: () => number
}

const EMOJI = ['👍', '🎉', '❤️']
const ROLES = ['owner', 'admin', 'member'] as const

/** Does one thing that users do, in one of the conversations that the chat shows; what is refused is not done. */
export async function doSomething({ chat, userIds, random }: Doings): Promise<void> {
  const pick = <Item>(items: readonly Item[]): Item => items[Math.trunc(random() * items.length)]!
  if (chat.state.conversations.size === 0) return
  const { conversation, messages } = pick([...chat.state.conversations.values()])
  const { id: conversationId, lastSequence } = conversation
  const message = messages.length === 0 ? undefined : pick(messages)
  const text = `${random()}`
  const mentions = random() < 0.5 ? [pick(userIds)] : []
  const member = { conversationId, userId: pick(userIds) }
  const says = () => chat.send(conversationId, { text, mentions })
  const marks = async () => chat.markRead(conversationId, Math.ceil(random() * lastSequence))
  const ofMessage: readonly (() => Promise<unknown>)[] =
    message === undefined
      ? []
      : [
          () => chat.send(conversationId, { text, replyTo: message.id }),
          () => chat.edit(message, { text, mentions }),
          () => chat.edit(message, { text, mentions }),
          () => chat.remove(message),
          () => chat.react(message, pick(EMOJI)),
          () => chat.react(message, pick(EMOJI)),
          () => chat.unreact(message, pick(EMOJI)),
        ]
  const ofConversation: readonly (() => Promise<unknown>)[] = [
    () => chat.hub.invoke('AddMembers', { conversationId, userIds: [member.userId] }),
    () => chat.hub.invoke('AddMembers', { conversationId, userIds: [...userIds] }),
    () => chat.hub.invoke('RemoveMember', member),
    () => chat.hub.invoke('ChangeRole', { ...member, role: pick(ROLES) }),
    () => chat.hub.invoke('UpdateConversation', { conversationId, title: text }),
    () => chat.hub.invoke('MuteConversation', { conversationId, until: mutedUntil(random) }),
    () => chat.hub.invoke('UpdateSettings', { privateRead: random() < 0.3 }),
  ]
  await unlessRefused(pick([says, says, says, says, marks, marks, marks, ...ofMessage, ...ofConversation]))
}

const mutedUntil = (random: () => number): Conversation['archivedAt'] =>
  random() < 0.3 ? null : new Date(Date.UTC(2_030 + Math.trunc(random() * 10), 0)).toISOString()

async function unlessRefused(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
  }
}

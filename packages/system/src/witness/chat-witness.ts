import { openChat, type Chat } from '@parley/client'
import { v7 as uuidv7 } from 'uuid'
import type { Recorder } from '../history/recorder.ts'
import type { MarkKind, Shown } from '../history/recording.ts'
import { signIn } from '../participant.ts'
import { recordedChanges, recordReceipts } from './recorded-changes.ts'
import type { Witness } from './witness.ts'

const markKinds: Readonly<Record<string, MarkKind>> = { MarkDelivered: 'delivered', MarkRead: 'read' }
const PAGE = 100

/** A witness who uses the SDK, which orders, catches up, sends and marks by itself. */
export async function joinWithSdk(gatewayUrl: string, name: string, recorder: Recorder): Promise<Witness> {
  const { accessToken, user } = await signIn(gatewayUrl, name)
  const session = recorder.session({ id: name, userId: user.id, followsReceipts: true })
  const chat = await openChat({
    url: gatewayUrl,
    accessToken,
    listen({ on }) {
      on('event', (event, payload) => {
        if (event === 'Welcome') session.connected()
        if (event === 'MessageCreated' || event === 'MessageUpdated') session.heard(event, payload as never)
        if (event === 'SyncRequired') session.excused((payload as { conversationIds: string[] }).conversationIds)
        if (event === 'ReceiptsUpdated') {
          const { conversationId, receipts } = payload as { conversationId: string; receipts: never[] }
          recordReceipts(session, conversationId, receipts)
        }
      })
      on('status', (status) => {
        if (status === 'connecting') session.disconnected()
      })
    },
  })

  // Marks are made by the SDK: how they are answered is seen only here.
  const { connection } = chat.hub
  const invoke = connection.invoke.bind(connection)
  connection.invoke = async <Result>(method: string, ...inputs: unknown[]) => {
    const kind = markKinds[method]
    if (kind === undefined) return invoke<Result>(method, ...inputs)
    const { conversationId, sequence } = inputs[0] as { conversationId: string; sequence: number }
    await session.mark({ conversationId, kind, sequence }, () => invoke(method, ...inputs))
    return {} as Result
  }

  return {
    user,
    session,
    invoke: (method, input) => invoke(method, input),
    get isSettled() {
      return chat.status === 'live'
    },
    get conversationIds() {
      return [...chat.state.conversations.keys()]
    },
    messagesOf: (conversationId) => chat.state.conversations.get(conversationId)?.messages ?? [],
    say(conversationId, text) {
      const id = uuidv7()
      return session.send({ conversationId, id, text }, () => chat.send(conversationId, { id, text }))
    },
    ...recordedChanges(session, {
      edit: (message, text) => chat.edit(message, { text }),
      remove: (message) => chat.remove(message),
      react: (message, emoji) => chat.react(message, emoji),
      unreact: (message, emoji) => chat.unreact(message, emoji),
      rename: (conversationId, title) => chat.hub.invoke('UpdateConversation', { conversationId, title }),
    }),
    markRead: (conversationId, sequence) => chat.markRead(conversationId, sequence),
    async shown() {
      for (const conversationId of chat.state.conversations.keys()) await loadOlder(chat, conversationId)
      return [...chat.state.conversations].map(([conversationId, known]): Shown => {
        const { conversation, messages, members, receipts } = known
        recordReceipts(
          session,
          conversationId,
          [...receipts.values()].filter(({ userId }) => userId !== user.id),
        )
        return {
          conversationId,
          fromSequence: (conversation.me?.joinedSequence ?? 0) + 1,
          messages,
          conversation,
          members: [...members.values()].filter(({ leftAt }) => leftAt === null),
        }
      })
    },
    [Symbol.asyncDispose]: () => chat[Symbol.asyncDispose](),
  }
}

async function loadOlder(chat: Chat, conversationId: string): Promise<void> {
  for (let count = PAGE; count > 0;) {
    const before = chat.state.conversations.get(conversationId)?.messages[0]?.sequence ?? 0
    if (before <= 1) return
    count = (await chat.loadMessages(conversationId, { before, limit: PAGE })).length
  }
}

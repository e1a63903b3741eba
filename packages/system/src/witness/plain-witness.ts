import { HubConnectionState, type HubConnection } from '@microsoft/signalr'
import {
  limits,
  type Conversation,
  type HubEvent,
  type HubEventName,
  type Message,
  type SentMessage,
} from '@parley/protocol'
import { v7 as uuidv7 } from 'uuid'
import type { Recorder, SessionRecorder } from '../history/recorder.ts'
import { join, type Participant } from '../participant.ts'
import { refusalOf, untilAnswered } from '../until-answered.ts'
import { CatchingUp } from './catching-up.ts'
import { PlainMarks } from './plain-marks.ts'
import { recordedChanges, recordReceipts } from './recorded-changes.ts'
import { Screen } from './screen.ts'
import type { Witness } from './witness.ts'

/** A witness with the official SignalR client alone, who shows what comes as it comes, and asks `Sync` after each `Welcome` and for each new conversation. */
export async function joinPlainly(gatewayUrl: string, name: string, recorder: Recorder): Promise<Witness> {
  const screen = new Screen()
  const ready = Promise.withResolvers<{ session: SessionRecorder; marks: PlainMarks; catchingUp: CatchingUp }>()
  const person = await join(gatewayUrl, name, {
    prepare(connection, { id: userId }) {
      const session = recorder.session({ id: name, userId, followsReceipts: true })
      const marks = new PlainMarks(session, {
        invoke: (method, input) => connection.invoke(method, input),
        last: () => screen.conversationIds.map((id) => [id, screen.messagesOf(id).at(-1)?.sequence ?? 0] as const),
      })
      const catchingUp = new CatchingUp(connection, screen)
      listen(connection, { session, screen, marks, catchingUp })
      ready.resolve({ session, marks, catchingUp })
    },
  })
  const { session, marks, catchingUp } = await ready.promise
  const invoke = (method: string, input: object) => person.invoke(method, input)
  const placeOf = ({ conversationId, id: messageId }: Message) => ({ conversationId, messageId })
  return {
    user: person.user,
    session,
    invoke: (method, input) => person.invoke(method, input),
    get isSettled() {
      return person.connection.state === HubConnectionState.Connected && !catchingUp.isBusy
    },
    get conversationIds() {
      return screen.conversationIds
    },
    messagesOf: (conversationId) => screen.messagesOf(conversationId),
    say(conversationId, text) {
      const input = { conversationId, id: uuidv7(), text }
      return untilAnswered(() => session.send(input, () => person.invoke<SentMessage>('SendMessage', input)))
    },
    ...recordedChanges(session, {
      edit: (message, text) => invoke('EditMessage', { ...placeOf(message), text }),
      remove: (message) => invoke('DeleteMessage', placeOf(message)),
      react: (message, emoji) => invoke('AddReaction', { ...placeOf(message), emoji }),
      unreact: (message, emoji) => invoke('RemoveReaction', { ...placeOf(message), emoji }),
      rename: (conversationId, title) => invoke('UpdateConversation', { conversationId, title }),
    }),
    markRead: (conversationId, sequence) => marks.made(conversationId, 'read', sequence),
    shown: () =>
      Promise.all(
        screen.conversationIds.map(async (conversationId) => {
          const fromSequence = (await readJoinedSequence(person, conversationId)) + 1
          await readOlder(person, screen, { conversationId, fromSequence }).catch(unlessNoMember)
          recordReceipts(
            session,
            conversationId,
            screen.receiptsOf(conversationId).filter(({ userId }) => userId !== person.user.id),
          )
          return screen.shown(conversationId, fromSequence)
        }),
      ),
    async [Symbol.asyncDispose]() {
      marks[Symbol.dispose]()
      await person[Symbol.asyncDispose]()
    },
  }
}

interface Parts {
  readonly session: SessionRecorder
  readonly screen: Screen
  readonly marks: PlainMarks
  readonly catchingUp: CatchingUp
}

function listen(connection: HubConnection, { session, screen, marks, catchingUp }: Parts): void {
  const on = <Name extends HubEventName>(name: Name, hear: (event: HubEvent<Name>) => void) => connection.on(name, hear)
  for (const name of ['MessageCreated', 'MessageUpdated'] as const) {
    on(name, (message) => {
      session.heard(name, message)
      screen.apply(message)
      screen.change(message.conversationId, message.version)
    })
  }
  for (const name of ['MemberJoined', 'MemberLeft', 'MemberChanged'] as const) {
    on(name, ({ conversationId, version }) => screen.change(conversationId, version))
  }
  on('ConversationUpdated', ({ id, version, me }) => {
    if (me === undefined) screen.change(id, version)
  })
  on('ConversationAdded', ({ id, me }) => {
    screen.open(id, me?.joinedSequence ?? 0)
    catchingUp.disturb()
    catchingUp.begin()
  })
  on('ConversationRemoved', ({ conversationId }) => {
    screen.close(conversationId)
    catchingUp.disturb()
  })
  on('ReceiptsUpdated', ({ conversationId, receipts }) => {
    recordReceipts(session, conversationId, receipts)
    screen.raise(conversationId, receipts)
  })
  on('SyncRequired', ({ conversationIds }) => {
    session.excused(conversationIds)
    catchingUp.begin()
  })
  on('Welcome', () => {
    session.connected()
    marks.repeat()
    catchingUp.begin()
  })
  const lost = () => session.disconnected()
  connection.onreconnecting(lost)
  connection.onclose(lost)
}

/** 0 too for who is no member: then it is for the invariants to say that they should not show it. */
async function readJoinedSequence({ persist }: Pick<Participant, 'persist'>, conversationId: string): Promise<number> {
  const conversation = await persist<Conversation>('GetConversation', { conversationId }).catch(unlessNoMember)
  return conversation?.me?.joinedSequence ?? 0
}

function unlessNoMember(error: unknown): undefined {
  if (refusalOf(error) !== 'not_a_member') throw error
}

/** What a reload has left out, page by page. */
async function readOlder(
  person: Pick<Participant, 'persist'>,
  screen: Screen,
  { conversationId, fromSequence }: { conversationId: string; fromSequence: number },
): Promise<void> {
  for (;;) {
    const before = screen.wholeFrom(conversationId)
    if (before <= fromSequence) return
    const input = { conversationId, before, limit: limits.pageSize }
    const { messages } = await person.persist<{ messages: Message[] }>('GetMessages', input)
    screen.prepend(conversationId, messages)
    if (messages.length === 0) return
  }
}

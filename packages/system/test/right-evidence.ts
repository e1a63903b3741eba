import type { Conversation, Member, Message } from '@parley/protocol'
import fc from 'fast-check'
import type { Evidence } from '../src/history/evidence.ts'
import type {
  ChangeAttempt,
  MarkAttempt,
  MarkKind,
  ReactionAttempt,
  SendAttempt,
  Session,
  Shown,
  TitleAttempt,
} from '../src/history/recording.ts'

/** Evidence that a test may falsify. */
export type Falsifiable = Mutable<Evidence>
type Mutable<Thing> =
  Thing extends ReadonlyMap<infer Key, infer Value>
    ? Map<Key, Mutable<Value>>
    : Thing extends object
      ? { -readonly [Key in keyof Thing]: Mutable<Thing[Key]> }
      : Thing

/** What one of the users does next. */
interface Step {
  readonly user: number
  readonly conversation: number
  readonly does:
    | 'send'
    | 'send, tried twice'
    | 'send, outcome unknown, stored'
    | 'send, outcome unknown, not stored'
    | 'send, refused'
    | 'edit'
    | 'delete'
    | 'react'
    | 'take the reaction back'
    | 'rename'
    | 'mark delivered'
    | 'mark read'
    | 'lose the connection'
    | 'connect'
  /** Until the next step begins. */
  readonly pauseMs: number
}

const USERS = 3
const CONVERSATIONS = 2
const ANSWER_MS = 5
const DELIVERY_MS = 3
const EMOJI = '👍'

const step = fc.record<Step>({
  user: fc.nat(USERS - 1),
  conversation: fc.nat(CONVERSATIONS - 1),
  does: fc.constantFrom(
    'send',
    'send',
    'send, tried twice',
    'send, outcome unknown, stored',
    'send, outcome unknown, not stored',
    'send, refused',
    'edit',
    'delete',
    'react',
    'take the reaction back',
    'rename',
    'mark delivered',
    'mark read',
    'lose the connection',
    'connect',
  ),
  pauseMs: fc.constantFrom(20, 100, 3_000),
})

/** What an ideal Parley would leave behind when its clients do this. */
export const rightEvidence: fc.Arbitrary<Falsifiable> = fc.array(step, { maxLength: 60 }).map(perform)

/** Everybody says something three times everywhere; then one message is edited, one deleted, everything is read, there is a reaction and a new title. */
export function plainEvidence(): Falsifiable {
  const rounds = [0, 1, 2].flatMap(() =>
    [0, 1, 2].flatMap((user) =>
      [0, 1].map((conversation): Step => ({ user, conversation, does: 'send', pauseMs: 100 })),
    ),
  )
  const of = (does: Step['does'], user = 0): Step => ({ user, conversation: 0, does, pauseMs: 100 })
  return perform([
    ...rounds,
    of('edit'),
    of('delete', 1),
    of('react', 2),
    of('rename'),
    of('send'),
    of('mark delivered', 2),
    of('mark read', 2),
  ])
}

function perform(steps: readonly Step[]): Falsifiable {
  return new Ideal().perform(steps)
}

/** Does everything at once and right. */
class Ideal {
  #now = 1_000
  #made = 0
  readonly #sends: Mutable<SendAttempt>[] = []
  readonly #changes: Mutable<ChangeAttempt>[] = []
  readonly #reactions: Mutable<ReactionAttempt>[] = []
  readonly #titles: Mutable<TitleAttempt>[] = []
  readonly #marks: Mutable<MarkAttempt>[] = []
  readonly #titleOf = new Map<string, string>()
  readonly #histories = new Map<string, Message[]>(
    Array.from({ length: CONVERSATIONS }, (_, index) => [`conversation ${index}`, []]),
  )
  readonly #versions = new Map<string, number>()
  readonly #watermarks = new Map<string, number>()
  readonly #sessions: Mutable<Session>[] = Array.from({ length: USERS }, (_, index) => ({
    id: `session ${index}`,
    userId: `user ${index}`,
    followsReceipts: true,
    connections: [{ connectedAt: 0, disconnectedAt: null, heard: [], excuses: [] }],
    watermarks: [],
    shown: [],
  }))

  perform(steps: readonly Step[]): Falsifiable {
    for (const next of steps) {
      this.#do(next)
      this.#now += next.pauseMs
    }
    const conversationIds = [...this.#histories.keys()]
    const evidence: Evidence = {
      recording: {
        sends: this.#sends,
        changes: this.#changes,
        reactions: this.#reactions,
        titles: this.#titles,
        marks: this.#marks,
        faults: [],
        sessions: this.#sessions.map((session) => ({ ...session, shown: this.#shown() })),
        memberships: conversationIds.flatMap((conversationId) =>
          this.#sessions.map(({ userId }) => ({
            conversationId,
            userId,
            askedAt: 0,
            joinedAt: 0,
            leavingAt: null,
            leftAt: null,
          })),
        ),
      },
      histories: this.#histories,
      views: this.#sessions.flatMap(({ id: sessionId }) =>
        conversationIds.map((id) => ({
          sessionId,
          conversation: this.#conversation(id),
          members: this.#members(id),
          messages: structuredClone(this.#histories.get(id)!),
        })),
      ),
      database: {
        conversations: [...this.#histories].map(([id, { length }]) => ({
          id,
          lastSequence: length,
          version: this.#versions.get(id) ?? 0,
        })),
        messages: [...this.#histories.values()].flat().map((message) => ({
          ...message,
          isDeleted: message.deletedAt !== null,
        })),
        members: conversationIds.flatMap((conversationId) =>
          this.#sessions.map(({ userId }) => ({
            conversationId,
            userId,
            joinedSequence: 0,
            deliveredSequence: this.#watermark(conversationId, userId, 'delivered'),
            readSequence: this.#watermark(conversationId, userId, 'read'),
          })),
        ),
      },
    }
    return structuredClone(evidence) as Falsifiable
  }

  #do({ user, conversation, does }: Step): void {
    const session = this.#sessions[user]!
    const conversationId = `conversation ${conversation}`
    const history = this.#histories.get(conversationId)!
    const own = history.findLast(({ senderId, deletedAt }) => senderId === session.userId && deletedAt === null)
    const connection = session.connections.at(-1)!
    const isConnected = connection.disconnectedAt === null
    if (does === 'connect' && !isConnected) {
      session.connections.push({ connectedAt: this.#now, disconnectedAt: null, heard: [], excuses: [] })
    } else if (!isConnected) {
      return
    } else if (does === 'lose the connection') {
      connection.disconnectedAt = this.#now
    } else if (does === 'mark delivered' || does === 'mark read') {
      this.#mark(session, conversationId, does === 'mark read' ? 'read' : 'delivered', history.length)
    } else if (does === 'edit' && own !== undefined) {
      this.#change(session, own, `${own.text}, changed`)
    } else if (does === 'delete' && own !== undefined) {
      this.#change(session, own, null)
    } else if (does === 'react' && own !== undefined) {
      this.#react(session, own, true)
    } else if (does === 'take the reaction back' && own !== undefined) {
      this.#react(session, own, false)
    } else if (does === 'rename') {
      this.#rename(session, conversationId)
    } else if (does.startsWith('send')) {
      this.#send(session, conversationId, does)
    }
  }

  #send(session: Mutable<Session>, conversationId: string, does: Step['does']): void {
    const number = (this.#made += 1)
    const begun = () => ({
      sessionId: session.id,
      userId: session.userId,
      conversationId,
      messageId: `message ${number}`,
      text: `text ${number}`,
      invokedAt: this.#now,
      endedAt: this.#now + ANSWER_MS,
    })
    if (does === 'send, refused') {
      this.#sends.push({ ...begun(), outcome: { kind: 'refused', code: 'reply_not_found' } })
      return
    }
    const isTriedTwice = does === 'send, tried twice'
    if (isTriedTwice || does.startsWith('send, outcome unknown')) {
      this.#sends.push({
        ...begun(),
        endedAt: isTriedTwice ? this.#now + ANSWER_MS : null,
        outcome: { kind: 'unknown' },
      })
    }
    if (does === 'send, outcome unknown, not stored') return
    const { messageId: id, text } = begun()
    const history = this.#histories.get(conversationId)!
    const message: Message = {
      id,
      conversationId,
      sequence: history.length + 1,
      version: this.#nextVersion(conversationId),
      senderId: session.userId,
      text,
      attachments: [],
      replyTo: null,
      mentions: [],
      reactions: [],
      createdAt: new Date(this.#now).toISOString(),
      editedAt: null,
      deletedAt: null,
    }
    history.push(message)
    this.#raise(conversationId, session.userId, 'read', message.sequence)
    this.#tell('MessageCreated', message)
    if (does === 'send, outcome unknown, stored') return
    if (isTriedTwice) this.#now += 2 * ANSWER_MS
    const { sequence, createdAt } = message
    this.#sends.push({
      ...begun(),
      outcome: { kind: 'ok', answer: { id, sequence, createdAt, duplicate: isTriedTwice } },
    })
  }

  #change(session: Session, message: Message, text: string | null): void {
    const { id: messageId, conversationId } = message
    const at = new Date(this.#now).toISOString()
    message.version = this.#nextVersion(conversationId)
    message.text = text ?? ''
    message.editedAt = text === null ? message.editedAt : at
    message.deletedAt = text === null ? at : null
    if (text === null) message.reactions = []
    this.#changes.push({
      sessionId: session.id,
      conversationId,
      messageId,
      text,
      ...this.#answered(),
    })
    this.#tell('MessageUpdated', message)
  }

  #react(session: Session, message: Message, isThere: boolean): void {
    const { id: messageId, conversationId } = message
    const { id: sessionId, userId } = session
    message.version = this.#nextVersion(conversationId)
    message.reactions = isThere ? [{ emoji: EMOJI, count: 1, userIds: [userId] }] : []
    const reaction = { sessionId, userId, conversationId, messageId, emoji: EMOJI, isThere }
    this.#reactions.push({ ...reaction, ...this.#answered() })
    this.#tell('MessageUpdated', message)
  }

  #rename({ id: sessionId }: Session, conversationId: string): void {
    const title = `title ${this.#nextVersion(conversationId)}`
    this.#titleOf.set(conversationId, title)
    this.#titles.push({ sessionId, conversationId, title, ...this.#answered() })
  }

  #answered() {
    return { invokedAt: this.#now, endedAt: this.#now + ANSWER_MS, outcome: { kind: 'ok', answer: null } } as const
  }

  #conversation(id: string): Conversation {
    return {
      id,
      kind: 'group',
      title: this.#titleOf.get(id) ?? null,
      avatarUrl: null,
      historyVisibility: 'joined',
      archivedAt: null,
      createdBy: 'user 0',
      createdAt: new Date(0).toISOString(),
      version: this.#versions.get(id) ?? 0,
      lastSequence: this.#histories.get(id)!.length,
      lastMessage: this.#histories.get(id)!.at(-1) ?? null,
      memberCount: USERS,
      capabilities: { typing: true, receipts: 'members', presence: true },
      retentionDays: 365,
      firstKeptSequence: 1,
    }
  }

  #members(conversationId: string): Member[] {
    return this.#sessions.map(({ userId }) => ({
      userId,
      role: 'member',
      joinedAt: new Date(0).toISOString(),
      leftAt: null,
      deliveredSequence: this.#watermark(conversationId, userId, 'delivered'),
      readSequence: this.#watermark(conversationId, userId, 'read'),
    }))
  }

  #mark({ id: sessionId, userId }: Session, conversationId: string, kind: MarkKind, sequence: number): void {
    this.#marks.push({
      sessionId,
      userId,
      conversationId,
      kind,
      sequence,
      ...this.#answered(),
    })
    this.#raise(conversationId, userId, kind, sequence)
    for (const session of this.#sessions) {
      for (const risen of kind === 'read' ? (['delivered', 'read'] as const) : (['delivered'] as const)) {
        const is = this.#watermark(conversationId, userId, risen)
        session.watermarks.push({ at: this.#now, conversationId, userId, kind: risen, sequence: is })
      }
    }
  }

  #tell(event: 'MessageCreated' | 'MessageUpdated', message: Message): void {
    for (const { connections } of this.#sessions) {
      const connection = connections.at(-1)!
      const at = this.#now + DELIVERY_MS
      if (connection.disconnectedAt === null) connection.heard.push({ at, event, message: structuredClone(message) })
    }
  }

  #shown(): Shown[] {
    return [...this.#histories].map(([conversationId, messages]) => ({
      conversationId,
      fromSequence: 1,
      messages: structuredClone(messages),
      conversation: this.#conversation(conversationId),
      members: this.#members(conversationId),
    }))
  }

  #raise(conversationId: string, userId: string, kind: MarkKind, sequence: number): void {
    for (const risen of kind === 'read' ? (['delivered', 'read'] as const) : (['delivered'] as const)) {
      const before = this.#watermark(conversationId, userId, risen)
      this.#watermarks.set(`${risen} ${conversationId} ${userId}`, Math.max(before, sequence))
    }
  }

  #watermark(conversationId: string, userId: string, kind: MarkKind): number {
    return this.#watermarks.get(`${kind} ${conversationId} ${userId}`) ?? 0
  }

  #nextVersion(conversationId: string): number {
    const next = (this.#versions.get(conversationId) ?? 0) + 1
    this.#versions.set(conversationId, next)
    return next
  }
}

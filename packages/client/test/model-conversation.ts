import { randomUUID } from 'node:crypto'
import type { Conversation, ConversationSync, Member, Message, Receipt } from '@parley/protocol'
import { v7 as uuidv7 } from 'uuid'
import type { Asked, SyncAnswer } from '../src/state/apply-sync.ts'
import type { ChatEvent } from '../src/state/chat-state.ts'

export const me = randomUUID()
export const others = [randomUUID(), randomUUID(), randomUUID()]
const time = new Date(0).toISOString()

/** Something that happens in a conversation. Users are places in `[me, ...others]`. */
export type Happening =
  | { readonly kind: 'send'; readonly by: number; readonly mentionsMe: boolean }
  | { readonly kind: 'edit'; readonly place: number; readonly mentionsMe: boolean }
  | { readonly kind: 'rename' }
  | { readonly kind: 'expire'; readonly count: number }
  | { readonly kind: 'come' | 'go' | 'promote'; readonly user: number }
  | { readonly kind: 'read'; readonly user: number; readonly back: number }

interface Snapshot {
  readonly version: number
  readonly title: string
  readonly messages: readonly Message[]
  readonly members: ReadonlyMap<string, Member & { readonly version: number }>
  readonly memberCount: number
  readonly receipts: ReadonlyMap<string, Receipt>
  readonly joined: { readonly version: number; readonly sequence: number }
  /** Messages before it have expired. */
  readonly firstKept: number
}

/** Beyond it, who was away reloads: the newest page alone. */
const bound = { changes: 6, newest: 3 }

/** A conversation with all its past: it can answer as it would have at any moment. */
export class ModelConversation {
  readonly id = randomUUID()
  readonly events: ChatEvent[] = []
  readonly #past: Snapshot[] = []

  constructor() {
    const start = { version: 1, title: '', messages: [], memberCount: 0, receipts: new Map(), firstKept: 1 }
    const joined = { version: 1, sequence: 0 }
    const members = new Map([me, ...others].map((userId) => [userId, { ...memberOf(userId), version: 1 }]))
    this.#past.push({ ...start, memberCount: members.size, members, joined })
  }

  /** How many moments there are. */
  get moments(): number {
    return this.#past.length
  }

  get now(): Snapshot {
    return this.#past.at(-1)!
  }

  get isMine(): boolean {
    return this.#isMember(this.now, me)
  }

  happen(happening: Happening): void {
    const { now } = this
    const version = now.version + 1
    switch (happening.kind) {
      case 'send': {
        const senderId = userAt(happening.by)
        if (!this.#isMember(now, senderId)) return
        const message = this.#message(version, senderId, happening.mentionsMe)
        const read = { userId: senderId, deliveredSequence: message.sequence, readSequence: message.sequence }
        const receipts = senderId === me ? new Map(now.receipts).set(me, read) : now.receipts
        this.#tell(
          { ...now, version, messages: [...now.messages, message], receipts },
          this.#seen(message, 'MessageCreated'),
        )
        return
      }
      case 'edit': {
        const old = now.messages[happening.place % now.messages.length]
        if (old === undefined || old.sequence < now.firstKept) return
        const message = { ...old, version, text: `${version}`, mentions: happening.mentionsMe ? [me] : [] }
        this.#tell(
          { ...now, version, messages: now.messages.with(message.sequence - 1, message) },
          this.#seen(message, 'MessageUpdated'),
        )
        return
      }
      case 'rename': {
        const next = { ...now, version, title: `${version}` }
        this.#tell(next, [{ name: 'ConversationUpdated', payload: this.#conversation(next) }])
        return
      }
      case 'expire': {
        const firstKept = Math.min(now.messages.length + 1, now.firstKept + happening.count)
        if (firstKept === now.firstKept) return
        const next = { ...now, version, firstKept }
        this.#tell(next, [{ name: 'ConversationUpdated', payload: this.#conversation(next) }])
        return
      }
      case 'come':
      case 'go':
      case 'promote':
        this.#change(userAt(happening.user), happening.kind, version)
        return
      case 'read': {
        const userId = userAt(happening.user)
        const sequence = Math.max(0, now.messages.length - happening.back)
        const known = now.receipts.get(userId)
        if (!this.#isMember(now, userId) || (known?.readSequence ?? 0) >= sequence) return
        const receipt = { userId, deliveredSequence: sequence, readSequence: sequence }
        const payload = { conversationId: this.id, receipts: [receipt] }
        this.#tell({ ...now, receipts: new Map(now.receipts).set(userId, receipt) }, [
          { name: 'ReceiptsUpdated', payload },
        ])
      }
    }
  }

  /** As a fresh client gets it. */
  conversation(moment = this.moments - 1): Conversation {
    const then = this.#past[moment]!
    const readSequence = then.receipts.get(me)?.readSequence ?? 0
    const floor = Math.max(readSequence, then.joined.sequence, then.firstKept - 1)
    const unread = then.messages.filter(({ sequence }) => sequence > floor)
    return {
      ...this.#conversation(then),
      lastMessage: this.#visible(then).at(-1) ?? null,
      me: {
        role: then.members.get(me)!.role,
        joinedSequence: then.joined.sequence,
        deliveredSequence: readSequence,
        readSequence,
        unreadCount: unread.length,
        mentionCount: unread.filter(({ mentions }) => mentions.includes(me)).length,
        mutedUntil: null,
      },
    }
  }

  /** What `Sync` answers when it is worked at a moment. */
  answer(asked: Asked, moment = this.moments - 1): Pick<SyncAnswer, 'conversations' | 'removed'> {
    const then = this.#past[moment]!
    const named = asked.conversations.find(({ id }) => id === this.id)?.version
    if (!this.#isMember(then, me)) return { conversations: [], removed: named === undefined ? [] : [this.id] }
    const { version: to, joined } = then
    const isTooFar = named !== undefined && (named < joined.version || to - named > bound.changes)
    const isWhole = named === undefined || isTooFar
    const visible = this.#visible(then)
    const isNew = (one: { version: number }) => isWhole || one.version > named
    const told: ConversationSync = {
      conversation: this.conversation(moment),
      messages: isWhole
        ? visible.slice(-bound.newest)
        : visible.filter(isNew).toSorted((a, b) => a.version - b.version),
      members: [...then.members.values()].filter(isNew),
      receipts: [...then.receipts.values()].filter(({ userId }) => userId !== me),
      to,
      reload: isTooFar,
    }
    return { conversations: [told], removed: [] }
  }

  /** What may be seen at a moment: not what was said before the last joining, nor what has expired. */
  #visible({ messages, joined, firstKept }: Snapshot): Message[] {
    return messages.filter(({ sequence }) => sequence > joined.sequence && sequence >= firstKept)
  }

  #isMember({ members }: Snapshot, userId: string): boolean {
    return members.get(userId)?.leftAt === null
  }

  #seen(message: Message, name: 'MessageCreated' | 'MessageUpdated'): ChatEvent[] {
    return message.sequence > this.now.joined.sequence ? [{ name, payload: message }] : []
  }

  #change(userId: string, kind: 'come' | 'go' | 'promote', version: number): void {
    const { now } = this
    const known = now.members.get(userId)!
    if ((kind === 'come') === this.#isMember(now, userId)) return
    const leftAt = kind === 'go' ? time : null
    const member = { ...memberOf(userId), leftAt, role: kind === 'promote' ? ('admin' as const) : known.role }
    const step = { come: 1, go: -1, promote: 0 }[kind]
    const name = ({ come: 'MemberJoined', go: 'MemberLeft', promote: 'MemberChanged' } as const)[kind]
    const isMyStart = userId === me && kind === 'come'
    const next: Snapshot = {
      ...now,
      version,
      members: new Map(now.members).set(userId, { ...member, version }),
      memberCount: now.memberCount + step,
      joined: isMyStart ? { version, sequence: now.messages.length } : now.joined,
    }
    const told: ChatEvent = { name, payload: { conversationId: this.id, version, member } }
    if (userId !== me || kind === 'promote') return this.#tell(next, [told])
    if (kind === 'go')
      return this.#tell(next, [told, { name: 'ConversationRemoved', payload: { conversationId: this.id } }])
    this.#past.push(next)
    this.events.push({ name: 'ConversationAdded', payload: { ...this.conversation(), lastMessage: null } }, told)
  }

  #tell(next: Snapshot, told: readonly ChatEvent[]): void {
    const wasMine = this.isMine
    this.#past.push(next)
    if (wasMine) this.events.push(...told)
  }

  #conversation({ version, title, messages, memberCount, firstKept }: Snapshot): Conversation {
    return {
      id: this.id,
      kind: 'group',
      title,
      avatarUrl: null,
      historyVisibility: 'joined',
      archivedAt: null,
      createdBy: me,
      createdAt: time,
      version,
      lastSequence: messages.length,
      lastMessage: null,
      memberCount,
      capabilities: { typing: true, receipts: 'members', presence: true },
      retentionDays: 365,
      firstKeptSequence: firstKept,
    }
  }

  #message(version: number, senderId: string, mentionsMe: boolean): Message {
    return {
      id: uuidv7(),
      conversationId: this.id,
      sequence: this.now.messages.length + 1,
      version,
      senderId,
      text: `${version}`,
      attachments: [],
      replyTo: null,
      mentions: mentionsMe ? [me] : [],
      reactions: [],
      createdAt: time,
      editedAt: null,
      deletedAt: null,
    }
  }
}

const userAt = (place: number): string => [me, ...others][place % (others.length + 1)]!

const memberOf = (userId: string): Member => ({
  userId,
  role: 'member',
  joinedAt: time,
  leftAt: null,
  deliveredSequence: 0,
  readSequence: 0,
})

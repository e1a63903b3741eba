import type { ConversationKind, HistoryVisibility, Role } from '@parley/protocol'

export interface ModelMessage {
  readonly id: string
  readonly sequence: number
  version: number
  readonly senderId: string
  text: string
  readonly replyTo: string | null
  mentions: string[]
  reactions: { readonly emoji: string; userIds: string[] }[]
  isEdited: boolean
  isDeleted: boolean
  /** What it said before, oldest first. */
  edits: { readonly text: string; readonly mentions: string[] }[]
}

export interface ModelMember {
  readonly userId: string
  isMember: boolean
  role: Role
  joinedVersion: number
  joinedSequence: number
  visibleFrom: number
  /** Of the last beginning, end or change of the membership. */
  changedVersion: number
  mutedUntil: string | null
  read: number
  /** Up to where others are told that it was read. */
  shownRead: number
  /**
   * What was delivered is gathered for long, and told by some clients without being asked: it is surely at `least`, never above
   * `most`.
   */
  delivered: { least: number; most: number }
}

/** What the members' devices are told of a change. */
export interface Telling {
  readonly name: string
  readonly conversationId: string
  readonly version: number
}

/** A conversation as it should be: its messages, everybody who is or was a member, and a count of its changes. */
export class ModelConversation {
  readonly id: string
  readonly kind: ConversationKind
  title: string | null
  historyVisibility: HistoryVisibility
  isArchived = false
  version = 1
  readonly messages: ModelMessage[] = []
  readonly people = new Map<string, ModelMember>()
  readonly #tell: (userId: string, telling: Telling) => void

  constructor(
    start: Pick<ModelConversation, 'id' | 'kind' | 'title' | 'historyVisibility'>,
    userIds: readonly string[],
    tell: (userId: string, telling: Telling) => void,
  ) {
    this.id = start.id
    this.kind = start.kind
    this.title = start.title
    this.historyVisibility = start.historyVisibility
    this.#tell = tell
    for (const userId of userIds) this.begin(userId, this.version)
    const creator = this.people.get(userIds[0]!)!
    if (this.kind !== 'direct') creator.role = 'owner'
  }

  get lastSequence(): number {
    return this.messages.length
  }

  /** In the order they joined. */
  get members(): ModelMember[] {
    return [...this.people.values()]
      .filter(({ isMember }) => isMember)
      .toSorted((a, b) => a.joinedVersion - b.joinedVersion || (a.userId < b.userId ? -1 : 1))
  }

  get owners(): number {
    return this.members.filter(({ role }) => role === 'owner').length
  }

  member(userId: string): ModelMember | undefined {
    const person = this.people.get(userId)
    return person?.isMember === true ? person : undefined
  }

  visibleMessage(member: ModelMember, messageId: string | undefined): ModelMessage | undefined {
    return this.messages.find(({ id, sequence }) => id === messageId && sequence >= member.visibleFrom)
  }

  /** The next version, of a change that is told to all members; of an older message, to those who may see it. */
  change(name: string, sequence = Infinity): number {
    this.version += 1
    for (const { userId, visibleFrom } of this.members) {
      if (visibleFrom <= sequence) this.#tell(userId, { name, conversationId: this.id, version: this.version })
    }
    return this.version
  }

  /** Who comes back keeps the watermarks alone. */
  begin(userId: string, version: number): ModelMember {
    const before = this.people.get(userId)
    const member: ModelMember = {
      userId,
      isMember: true,
      role: 'member',
      joinedVersion: version,
      joinedSequence: this.lastSequence,
      visibleFrom: this.historyVisibility === 'all' ? 1 : this.lastSequence + 1,
      changedVersion: version,
      mutedUntil: null,
      read: before?.read ?? 0,
      shownRead: before?.shownRead ?? 0,
      delivered: before?.delivered ?? { least: 0, most: 0 },
    }
    this.people.set(userId, member)
    return member
  }
}

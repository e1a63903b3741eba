import type { Draft } from './model-messages.ts'
import { send } from './model-messages.ts'
import { ModelConversation, type ModelMessage, type Telling } from './model-conversation.ts'
import { answered, refused, type Outcome } from './outcome.ts'

/** Everything that users may find, as it should be: their conversations, what was sent, and what their devices were told. */
export class ModelTalk {
  readonly userIds: readonly string[]
  /** Those with newer activity come first. */
  conversations: readonly ModelConversation[] = []
  readonly privateReaders = new Set<string>()
  /** Users with a device that says by itself what was delivered. */
  readonly selfDelivering: ReadonlySet<string>
  readonly #sent = new Map<string, { readonly by: string; readonly draft: Draft; readonly message: ModelMessage }>()
  readonly #told: ReadonlyMap<string, Telling[]>

  constructor(userIds: readonly string[], selfDelivering: ReadonlySet<string>) {
    this.userIds = userIds
    this.selfDelivering = selfDelivering
    this.#told = new Map(userIds.map((userId) => [userId, []]))
  }

  /** What was told to devices of a user, in its order. */
  told(userId: string): readonly Telling[] {
    return this.#told.get(userId) ?? []
  }

  begin(start: ConstructorParameters<typeof ModelConversation>[0], userIds: readonly string[]): void {
    const conversation = new ModelConversation(start, userIds, (userId, telling) =>
      this.#told.get(userId)?.push(telling),
    )
    this.conversations = [conversation, ...this.conversations]
  }

  get sentIds(): string[] {
    return [...this.#sent.keys()]
  }

  draftOf(messageId: string): Draft | undefined {
    return this.#sent.get(messageId)?.draft
  }

  senderOf(messageId: string): string | undefined {
    return this.#sent.get(messageId)?.by
  }

  /** Whose id was stored already is a retry, or a conflict: whatever has become of the sender or the message since. */
  send(
    conversation: ModelConversation,
    senderId: string,
    draft: Draft,
  ): Outcome<{ message: ModelMessage; isDuplicate: boolean }> {
    const stored = this.#sent.get(draft.id)
    if (stored !== undefined) {
      const isSame =
        stored.by === senderId && conversation.messages.includes(stored.message) && says(stored.draft, draft)
      return isSame ? answered({ message: stored.message, isDuplicate: true }) : refused('message_id_conflict')
    }
    const sent = send(conversation, senderId, draft)
    if ('refused' in sent) return sent
    this.#sent.set(draft.id, { by: senderId, draft, message: sent.value })
    this.conversations = [conversation, ...this.conversations.filter((one) => one !== conversation)]
    return answered({ message: sent.value, isDuplicate: false })
  }

  /** Up to where is surely read and delivered once it is answered, or polled for. Marks only rise. */
  mark(
    conversation: ModelConversation,
    userId: string,
    marked: { readonly delivered?: number; readonly read?: number },
  ): Outcome<object> {
    const member = conversation.member(userId)
    if (member === undefined) return refused('not_a_member')
    const read = Math.min(conversation.lastSequence, marked.read ?? 0)
    const delivered = Math.min(conversation.lastSequence, Math.max(read, marked.delivered ?? 0))
    member.read = Math.max(member.read, read)
    if (!this.privateReaders.has(userId)) member.shownRead = Math.max(member.shownRead, read)
    const { least, most } = member.delivered
    member.delivered = { least: Math.max(least, delivered), most: Math.max(most, delivered) }
    return answered({})
  }

  /** Said to be delivered, and kept at some time. */
  markLater(conversation: ModelConversation, userId: string, delivered: number): Outcome<object> {
    const member = conversation.member(userId)
    if (member === undefined) return refused('not_a_member')
    const { least, most } = member.delivered
    member.delivered = { least, most: Math.max(most, delivered) }
    return answered({})
  }
}

const says = (one: Draft, other: Draft): boolean =>
  one.text === other.text && one.replyTo === other.replyTo && one.mentions.join() === other.mentions.join()

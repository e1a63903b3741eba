import { createHash } from 'node:crypto'
import type { Attachment, InputOf, Message, SendMessage } from '@parley/protocol'

/** A message before its place is decided. */
export type UnplacedMessage = Omit<Message, 'sequence' | 'version' | 'createdAt'>

export interface Send {
  readonly message: UnplacedMessage
  /** Tells a retry from another message with the same id. Hexadecimal. */
  readonly contentHash: string
  /** About what it takes in memory and on the way to the database. */
  readonly bytes: number
}

/** 128 bits of it: nobody gains from two messages of their own that look alike to it. */
const HASH_DIGITS = 32
const BYTES_BESIDES_TEXT = 400
const BYTES_PER_MENTION = 40
const BYTES_PER_ATTACHMENT = 400

/** `attachments` are what the named uploads are. */
export function sendOf(
  senderId: string,
  input: InputOf<typeof SendMessage>,
  attachments: readonly Attachment[] = [],
): Send {
  const { id, conversationId, text, replyTo = null } = input
  const mentions = [...new Set(input.mentions)]
  const uploadIds = attachments.map((attachment) => attachment.id)
  const content = JSON.stringify([text, replyTo, mentions, ...(uploadIds.length === 0 ? [] : [uploadIds])])
  return {
    message: {
      id,
      conversationId,
      senderId,
      text,
      attachments: [...attachments],
      replyTo,
      mentions,
      reactions: [],
      editedAt: null,
      deletedAt: null,
    },
    contentHash: createHash('sha256').update(content).digest('hex').slice(0, HASH_DIGITS),
    bytes:
      BYTES_BESIDES_TEXT +
      Buffer.byteLength(text) +
      BYTES_PER_MENTION * mentions.length +
      BYTES_PER_ATTACHMENT * attachments.length,
  }
}

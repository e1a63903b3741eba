import { z } from 'zod'

/** Ids are UUIDs in lower case; another case is accepted at the door and lowered there, so that one thing has one name. */
const uuid = z.uuid().toLowerCase()

export const UserId = uuid.meta({ id: 'UserId' })
export type UserId = z.infer<typeof UserId>

export const ConversationId = uuid.meta({ id: 'ConversationId' })
export type ConversationId = z.infer<typeof ConversationId>

/** Made by the sender before its first attempt and kept over retries: a UUIDv7, whose time says when it was made. */
export const MessageId = z.uuidv7().toLowerCase().meta({ id: 'MessageId' })
export type MessageId = z.infer<typeof MessageId>

export const UploadId = uuid.meta({ id: 'UploadId' })
export type UploadId = z.infer<typeof UploadId>

/** One emoji, as a keyboard gives it: `👍🏽` and `👩‍👩‍👧` are one each. */
export const Emoji = z
  .string()
  .max(64)
  .refine(isOneEmoji, { error: 'must be one emoji' })
  .meta({ id: 'Emoji', examples: ['👍'] })
export type Emoji = z.infer<typeof Emoji>

const graphemes = new Intl.Segmenter()

function isOneEmoji(value: string): boolean {
  const isPictorial = /\p{Extended_Pictographic}|\p{Regional_Indicator}{2}|[0-9#*]\uFE0F?\u20E3/u.test(value)
  return isPictorial && value.isWellFormed() && [...graphemes.segment(value)].length === 1
}

/** UTC, ISO 8601 with milliseconds. */
export const Time = z.iso.datetime({ precision: 3 }).meta({ id: 'Time' })
export type Time = z.infer<typeof Time>

/** A position in a conversation: the first is 1, and 0 is before it. */
export const Counter = z.int().min(0)

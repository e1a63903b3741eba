import pg from 'pg'
import { insertConversations, inventConversations, type LoadedConversation } from './conversations.ts'
import { insertMessages, type Shares } from './messages.ts'
import { makeMonths } from './months.ts'

/** Written in one transaction. */
const MESSAGES_AT_ONCE = 50_000
const AFTER_MS = 32 * 24 * 60 * 60 * 1_000

export interface LoadedHistory {
  readonly conversations: readonly LoadedConversation[]
  readonly messages: number
}

/**
 * Writes conversations with messages of the past straight into messaging's migrated tables, many at a time, as if they had been
 * sent then. Services find what they would have written themselves, but nothing is told of it: load before they start, or
 * have clients connect after it.
 */
export async function loadHistory(options: {
  /** Of the database, as the role `messaging`. */
  url: string
  conversations: number
  /** In all; each conversation has about as many as the others. */
  messages: number
  users?: number
  membersPerGroup?: number
  from: Date
  to: Date
  shares?: Partial<Shares>
}): Promise<LoadedHistory> {
  const { url, messages, from, to, users = 1_000, membersPerGroup = 10 } = options
  const shares = { edits: 0.02, reactions: 0.05, attachments: 0.05, mentions: 0.02, ...options.shares }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await makeMonths(client, from, new Date(to.getTime() + AFTER_MS))
    const conversations = inventConversations({ ...options, users, membersPerGroup })
    await insertConversations(client, conversations)
    for (const part of inParts(conversations, messages)) await insertMessages(client, { ...part, to, shares })
    await client.query('analyze')
    return { conversations, messages }
  } finally {
    await client.end()
  }
}

/** Those that get any, with how many each: about as many messages at a time as one transaction takes. */
function* inParts(
  conversations: readonly LoadedConversation[],
  messages: number,
): Generator<{ conversations: LoadedConversation[]; messages: number[] }> {
  let part = { conversations: [] as LoadedConversation[], messages: [] as number[] }
  let size = 0
  for (const [index, conversation] of conversations.entries()) {
    const count =
      Math.floor(((index + 1) * messages) / conversations.length) -
      Math.floor((index * messages) / conversations.length)
    if (count === 0) continue
    part.conversations.push(conversation)
    part.messages.push(count)
    size += count
    if (size < MESSAGES_AT_ONCE) continue
    yield part
    part = { conversations: [], messages: [] }
    size = 0
  }
  if (size > 0) yield part
}

import { createHash } from 'node:crypto'
import { conversationTopic } from '@parley/contracts'

/** People and what they are members of: the same in every run, and never all in memory. */
export interface Population {
  readonly users: number
  readonly conversations: number
  userId(user: number): string
  /** The topics of the user's conversations, each once. Users of any number may be asked for, also beyond `users`. */
  conversationTopics(user: number): string[]
  /** The topic of one of the conversations. */
  topic(conversation: number): string
}

/** Members are spread at random: a conversation has `users * perUser / conversations` on average, and some have none. */
export function population(options: { users: number; conversations: number; perUser: number }): Population {
  const { users, conversations, perUser } = options
  /** Gateways keep the topics they know: here they share one string per topic, as they would not as processes. */
  const topics = Array.from<string | undefined>({ length: conversations })

  function topic(conversation: number): string {
    return (topics[conversation] ??= flat(conversationTopic(idOf('conversation', conversation))))
  }

  return {
    users,
    conversations,
    userId: (user) => idOf('user', user),
    conversationTopics(user) {
      const random = randomFrom(user)
      const found = new Set<string>()
      while (found.size < Math.min(perUser, conversations)) found.add(topic(Math.floor(random() * conversations)))
      return [...found]
    },
    topic,
  }
}

function idOf(kind: string, index: number): string {
  const hex = createHash('md5').update(`${kind} ${index}`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}

/** As one string: a joined one keeps its parts. */
const flat = (text: string): string => Buffer.from(text).toString('latin1')

/** Mulberry32: between 0 and 1. */
export function randomFrom(seed: number): () => number {
  let state = (seed + 1) * 0x9e3779b9
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

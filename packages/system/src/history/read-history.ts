import type { Message } from '@parley/protocol'
import type { Participant } from '../participant.ts'

const LIMIT = 100

/** All of a conversation after a sequence, page by page, as the API gives it to somebody. */
export async function readHistory(
  { invoke }: Pick<Participant, 'invoke'>,
  conversationId: string,
  afterSequence = 0,
): Promise<Message[]> {
  const all: Message[] = []
  for (;;) {
    const after = all.at(-1)?.sequence ?? afterSequence
    const input = { conversationId, after, limit: LIMIT }
    const { messages } = await invoke<{ messages: Message[] }>('GetMessages', input)
    if (messages.length === 0) return all
    all.push(...messages)
  }
}

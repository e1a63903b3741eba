import type { GetMessages, InputOf, Message } from '@parley/protocol'
import type { Chat, MessagePlace } from './chat.ts'
import type { Hub } from './hub.ts'
import { RefusedError } from './refused-error.ts'

interface Keeper {
  /** The moment of the state when it is asked. */
  readonly moment: () => number
  readonly keep: (message: Message) => void
  readonly keepHistory: (conversationId: string, read: { messages: readonly Message[]; moment: number }) => void
}

/** What is asked of messages that are there; the state gets what is answered. */
export function messageRequests(
  hub: Pick<Hub, 'invoke'>,
  { moment, keep, keepHistory }: Keeper,
): Pick<Chat, 'edit' | 'remove' | 'react' | 'unreact' | 'loadMessages'> {
  const kept = (message: Message): Message => {
    keep(message)
    return message
  }

  /** Before what is kept there is nothing any more. What is after a place that is not kept cannot be said to follow it. */
  async function read(page: InputOf<typeof GetMessages>): Promise<readonly Message[]> {
    try {
      return (await hub.invoke('GetMessages', page)).messages
    } catch (error) {
      if (page.before !== undefined && error instanceof RefusedError && error.code === 'history_expired') return []
      throw error
    }
  }

  return {
    edit: async (place, change) => kept(await hub.invoke('EditMessage', { ...placeOf(place), ...change })),
    remove: async (place) => kept(await hub.invoke('DeleteMessage', placeOf(place))),
    react: async (place, emoji) => kept(await hub.invoke('AddReaction', { ...placeOf(place), emoji })),
    unreact: async (place, emoji) => kept(await hub.invoke('RemoveReaction', { ...placeOf(place), emoji })),
    async loadMessages(conversationId, page) {
      const askedAt = moment()
      const messages = await read({ conversationId, ...page })
      keepHistory(conversationId, { messages, moment: askedAt })
      return messages
    },
  }
}

const placeOf = ({ conversationId, id }: MessagePlace) => ({ conversationId, messageId: id })

import type { PresenceState } from '@parley/protocol'
import type { Chat } from './chat.ts'
import type { Hub } from './hub.ts'
import { OwnTyping } from './own-typing.ts'
import { PresenceWatch } from './presence-watch.ts'
import type { ChatState } from './state/chat-state.ts'
import { withoutPresence, withPresence } from './state/presence.ts'
import { isAnybodyTyping, withoutExpiredTyping } from './state/typing.ts'

interface Parts {
  readonly hub: Pick<Hub, 'invoke'>
  readonly isOpen: () => boolean
  readonly state: () => ChatState
  readonly become: (state: ChatState, conversationId?: string) => void
  /** By the server's clock. */
  readonly serverTime: () => number
}

export interface Company extends Pick<
  Chat,
  'startTyping' | 'stopTyping' | 'watchPresence' | 'unwatchPresence' | 'setStatus'
> {
  begin(visit: AbortSignal): void
  /** The user has sent what they were typing. */
  said(conversationId: string): void
  /** Of what is told, what is of users still watched. */
  told(states: readonly PresenceState[]): PresenceState[]
  /** Somebody may be typing: it is forgotten in time. */
  typed(): void
  close(error: Error): void
}

const LOOK_EVERY_MS = 500

/** The others, as they are there and as they type: what is told of the user, and what is kept of them. */
export function createCompany({ hub, isOpen, state, become, serverTime }: Parts): Company {
  let timer: ReturnType<typeof setTimeout> | undefined
  const typing = new OwnTyping({
    tell: (kind, conversationId) => hub.invoke(kind, { conversationId }),
    isOffered: (conversationId) =>
      isOpen() && state().conversations.get(conversationId)?.conversation.capabilities.typing === true,
  })
  const watch = new PresenceWatch({
    watch: async (userIds) => (await hub.invoke('WatchPresence', { userIds })).states,
    unwatch: (userIds) => hub.invoke('UnwatchPresence', { userIds }),
    keep: (states) => become(withPresence(state(), states)),
    forget: (userIds) => become(withoutPresence(state(), userIds)),
  })

  function look(): void {
    timer = undefined
    const expired = withoutExpiredTyping(state(), serverTime())
    for (const conversationId of expired.ended) become(expired.state, conversationId)
    typed()
  }

  function typed(): void {
    if (timer !== undefined) return
    if ([...state().conversations.values()].some(isAnybodyTyping)) timer = setTimeout(look, LOOK_EVERY_MS)
  }

  return {
    startTyping: (conversationId) => typing.start(conversationId),
    stopTyping: (conversationId) => typing.stop(conversationId),
    watchPresence: (userIds) => watch.watch(userIds),
    unwatchPresence: (userIds) => watch.unwatch(userIds),
    setStatus: (status) => hub.invoke('SetStatus', status),
    begin: (visit) => watch.begin(visit),
    said: (conversationId) => typing.said(conversationId),
    told: (states) => watch.told(states),
    typed,
    close(error) {
      clearTimeout(timer)
      typing.close()
      watch.close(error)
    },
  }
}

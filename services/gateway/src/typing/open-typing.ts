import { hearGateways, must, type Answer, type Bus, type CallContext, type Callers } from '@parley/bus'
import { gateway, refuse, TypingNotice, type Actor, type BlockChange, type messaging } from '@parley/contracts'
import { openSenderRouting, type GatewayRouting } from '@parley/routing'
import type { Logger } from '@parley/runtime'
import type { BlockedUsers } from '../blocking/blocked-users.ts'
import type { LocalDelivery } from '../delivery/local-delivery.ts'
import { hearOwnNotices } from '../hear-own-notices.ts'
import type { ChatConnection } from '../hub/chat-connection.ts'
import { AllowedTypists } from './allowed-typists.ts'
import { OwnTypists } from './own-typists.ts'
import { createTellTyping } from './tell-typing.ts'
import { TypingRooms } from './typing-rooms.ts'

interface Asked {
  readonly actor: Actor
  readonly conversationId: string
}

interface By {
  readonly connection: ChatConnection | undefined
  readonly within: CallContext
}

/** Who types, told to the others without being written down anywhere. */
export interface Typing {
  start(asked: Asked, by: By): Promise<Answer<Record<string, never>>>
  stop(asked: Asked, by: By): Promise<Answer<Record<string, never>>>
  /** The user has said what they were typing. */
  said(asked: Asked): void
  endConnection(connection: ChatConnection): void
  /** What two users type to each other may be told otherwise than before. */
  blockChanged(change: BlockChange): void
  readonly figures: TypingFigures
}

/** As of now, and since the start. */
export interface TypingFigures {
  /** `StartTyping` that was told, and that came too soon after another. */
  readonly accepted: number
  readonly throttled: number
  /** Events that connections were told. */
  readonly told: number
  /** Conversations in which somebody types, and those of them in which only their number is told. */
  readonly conversations: number
  readonly counted: number
}

export async function openTyping(options: {
  bus: Bus
  routing: GatewayRouting
  redisUrl: string
  delivery: Pick<LocalDelivery, 'hears' | 'hearersOf'>
  blockedUsers: Pick<BlockedUsers, 'of'>
  calls: Pick<Callers<typeof messaging>, 'allowTyping' | 'isMember'>
  log: Logger
}): Promise<Typing & AsyncDisposable> {
  const { bus, routing, delivery, blockedUsers, calls, log } = options
  await using stack = new AsyncDisposableStack()
  const senderRouting = stack.use(await openSenderRouting({ url: options.redisUrl, log }))
  stack.use(await hearGateways(bus, senderRouting))
  const rooms = stack.use(new TypingRooms({ delivery, routing, blockedUsers }))
  const hear = (notice: TypingNotice) => rooms.receive(notice)
  const tell = createTellTyping({ bus, routing, senderRouting, hear })
  const typists = stack.use(new OwnTypists(tell))
  stack.use(
    await hearOwnNotices({
      bus,
      routing,
      notice: gateway.notices.typing,
      hear: (data) => hear(TypingNotice.parse(JSON.parse(decoder.decode(data)))),
    }),
  )
  const allowed = new AllowedTypists()

  /** Whether it is known here that this is a member's: not of one who was removed, and not yet of one just added. */
  const isKnown = (connection: ChatConnection | undefined, conversationId: string) =>
    connection !== undefined && delivery.hears(connection, conversationId)

  /** The answer is remembered, unless a block has changed meanwhile and it may be old. */
  async function askWhetherTold({ actor, conversationId }: Asked, within: CallContext): Promise<Answer<boolean>> {
    const { forgotten } = allowed
    const answered = await calls.allowTyping({ actor, conversationId }, within)
    if (!answered.ok) return answered
    const { isTold } = answered.value
    if (allowed.forgotten === forgotten) allowed.add(actor.userId, conversationId, isTold)
    return { ok: true, value: isTold }
  }

  /** Also what the user has said on another device, by way of another gateway. */
  function stop({ actor: { userId }, conversationId }: Asked): void {
    if (typists.stop(userId, conversationId) || !rooms.isTyping(userId, conversationId)) return
    tell({ userId, conversationId, isTyping: false })
  }

  const opened = stack.move()
  return {
    async start({ actor, conversationId }, { connection, within }) {
      const { userId } = actor
      let isTold = isKnown(connection, conversationId) ? allowed.find(userId, conversationId) : undefined
      if (isTold === undefined) {
        const answered = await askWhetherTold({ actor, conversationId }, within)
        if (!answered.ok) return answered
        isTold = answered.value
      }
      // It may have ended while `messaging` was asked.
      if (isTold && connection?.hasEnded !== true) typists.start(userId, conversationId, connection)
      return DONE
    },
    async stop(asked, { connection, within }) {
      stop(asked)
      if (isKnown(connection, asked.conversationId)) return DONE
      const { actor, conversationId } = asked
      const { member } = must(await calls.isMember({ userId: actor.userId, conversationId }, within))
      if (!member) throw refuse.not_a_member()
      return DONE
    },
    said: stop,
    endConnection: (connection) => typists.endConnection(connection),
    blockChanged({ userId, blockedId, conversationId }) {
      for (const typist of [userId, blockedId]) {
        allowed.forget(typist, conversationId)
        typists.stop(typist, conversationId)
      }
    },
    figures: {
      get accepted() {
        return typists.accepted
      },
      get throttled() {
        return typists.throttled
      },
      get told() {
        return rooms.told
      },
      get conversations() {
        return rooms.size
      },
      get counted() {
        return rooms.counted
      },
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

const decoder = new TextDecoder()
const DONE = { ok: true, value: {} } as const

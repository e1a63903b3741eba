import type { Bus } from '@parley/bus'
import type { GatewayRouting } from '@parley/routing'
import type { Clock, Logger } from '@parley/runtime'
import type { Calls } from './calls-over.ts'
import { hearBlockChanges } from './blocking/hear-block-changes.ts'
import { openDelivery, type DeliveryFigures } from './delivery/open-delivery.ts'
import type { LocalDelivery } from './delivery/local-delivery.ts'
import type { ChatConnection } from './hub/chat-connection.ts'
import { openPresence, type Presence, type PresenceFigures } from './presence/open-presence.ts'
import { GatheredMarks } from './receipts/gathered-marks.ts'
import { createPassMark } from './receipts/pass-marks.ts'
import type { VerifyToken } from './identity/verify-token.ts'
import { tellSettledUploads } from './uploads/tell-settled-uploads.ts'
import { openSessions, type SessionFigures, type Sessions } from './sessions/open-sessions.ts'
import { openTyping, type Typing, type TypingFigures } from './typing/open-typing.ts'

/** What there is for connected clients: what they are told as it happens, and what is gathered of what they say. */
export interface LiveParts {
  readonly delivery: LocalDelivery
  readonly marks: GatheredMarks
  readonly typing: Typing
  readonly presence: Presence
  readonly sessions: Sessions
  readonly figures: {
    readonly delivery: DeliveryFigures
    readonly presence: PresenceFigures
    readonly typing: TypingFigures
    readonly sessions: SessionFigures
  }
}

export async function openLiveParts(options: {
  bus: Bus
  routing: GatewayRouting
  calls: Calls
  redisUrl: string
  connectionsPerUser: number
  /** After so long without anything done there a device is idle. */
  idleMs?: number
  /** Who a token says its bearer is. */
  verifyToken: VerifyToken
  /** The open connections, by id. */
  connections: () => ReadonlyMap<string, ChatConnection>
  clock: Clock
  log: Logger
}): Promise<LiveParts & AsyncDisposable> {
  const { calls, connections, log } = options
  const find = (connectionId: string) => connections().get(connectionId)
  await using stack = new AsyncDisposableStack()
  const sessions = stack.use(await openSessions({ ...options, connections: () => connections().values() }))
  const { delivery, blockedUsers, figures } = stack.use(await openDelivery({ ...options, calls: calls.messaging }))
  const marks = stack.use(new GatheredMarks({ pass: createPassMark(calls.messaging, log), delivery }))
  const typing = stack.use(await openTyping({ ...options, delivery, blockedUsers, calls: calls.messaging }))
  const presence = stack.use(await openPresence({ ...options, find, delivery }))
  stack.use(
    await hearBlockChanges({
      ...options,
      calls: calls.messaging,
      hear(change) {
        typing.blockChanged(change)
        blockedUsers.changed(change.userId)
        presence.relationBetweenChanged(change.userId, change.blockedId)
      },
    }),
  )
  stack.use(await tellSettledUploads(options.bus, delivery))
  const opened = stack.move()
  return {
    delivery,
    marks,
    typing,
    presence,
    sessions,
    figures: {
      delivery: figures,
      presence: presence.figures,
      typing: typing.figures,
      sessions: sessions.figures,
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

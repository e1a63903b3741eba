import { listen, type Bus } from '@parley/bus'
import { presence, PresenceNotice } from '@parley/contracts'
import type { GatewayRouting } from '@parley/routing'
import { repeat, type Logger } from '@parley/runtime'
import { Agenda } from '../agenda.ts'
import type { Calls } from '../calls-over.ts'
import type { ChatConnection } from '../hub/chat-connection.ts'
import { createPresenceReader } from './presence-reader.ts'
import { PresenceSenders } from './presence-senders.ts'
import { Watches } from './watches.ts'

/** Whatever was lost unnoticed is right again after so long. */
const ROUND_MS = 10 * 60_000
/** How soon users are asked about again of whom nothing could be told. */
const UNKNOWN_AGAIN_MS = 2_000
const RETRY_MS = 1_000
/** All gateways lose NATS together: they do not read all at once what they have missed. */
const RECONNECT_JITTER_MS = 2_000
/** Memberships that begin or end together lead to one question. */
const GATHER_RELATIONS_MS = 100

export interface OpenWatches extends AsyncDisposable {
  readonly watches: Watches
  /** Conversations of this user have begun or ended: what others are to them, and they to others, may have changed. */
  relationsChanged(userId: string): void
  /** What these two are to each other may have changed. */
  relationBetweenChanged(userId: string, otherId: string): void
  readonly figures: { readonly readAgain: number }
}

/** Watches that hear of every change, and of those they could not hear a little later. */
export async function openWatches(options: {
  bus: Bus
  routing: Pick<GatewayRouting, 'onNewIdentity' | 'lapsed'>
  calls: Pick<Calls, 'presence' | 'messaging'>
  log: Logger
}): Promise<OpenWatches> {
  const { bus, routing, log } = options
  await using stack = new AsyncDisposableStack()
  const watches = stack.use(new Watches(createPresenceReader(options.calls)))
  const senders = new PresenceSenders()
  const figures = { readAgain: 0 }

  const readingAll = stack.use(
    repeat('read-presence-again', { everyMs: ROUND_MS, retryMs: RETRY_MS, log }, async () => {
      const userIds = watches.users()
      figures.readAgain += userIds.length
      await watches.readAgain(userIds)
    }),
  )
  stack.use(
    repeat('read-unknown-presence', { everyMs: UNKNOWN_AGAIN_MS, log }, () =>
      watches.readAgain(watches.unknownUsers()),
    ),
  )

  // Who comes into a large conversation is not told to its members.
  stack.use(
    repeat('read-strangers-again', { everyMs: ROUND_MS, retryMs: RETRY_MS, log }, async () => {
      for (const connection of watches.watchingStrangers()) await watches.readRelationsAgain(connection)
    }),
  )
  const related = stack.use(
    new Agenda<ChatConnection>((connection) => {
      watches.readRelationsAgain(connection).catch((error: unknown) => {
        log.warn({ error, connectionId: connection.id }, 'relations could not be read')
        if (!connection.hasEnded) related.schedule(connection, RETRY_MS)
      })
    }),
  )

  let readingSoon: NodeJS.Timeout | undefined
  stack.defer(() => clearTimeout(readingSoon))
  bus.onReconnect(() => {
    clearTimeout(readingSoon)
    readingSoon = setTimeout(() => readingAll.hurry(), Math.random() * RECONNECT_JITTER_MS)
  })
  // What was heard while the process stood still may have been too much to be kept, or is old.
  routing.onNewIdentity(() => readingAll.hurry())
  stack.use(
    await listen(bus, presence.notices.changed, {}, (data) => {
      // It is missed by the next one.
      if (routing.lapsed) return
      const notice = PresenceNotice.parse(JSON.parse(decoder.decode(data)))
      if (!senders.hear(notice)) readingAll.hurry()
      watches.receive(notice.changes)
    }),
  )

  const opened = stack.move()
  return {
    watches,
    figures,
    relationsChanged(userId) {
      for (const connection of watches.concernedBy(userId)) related.schedule(connection, GATHER_RELATIONS_MS)
    },
    relationBetweenChanged(userId, otherId) {
      for (const connection of watches.watchingBetween(userId, otherId))
        related.schedule(connection, GATHER_RELATIONS_MS)
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

const decoder = new TextDecoder()

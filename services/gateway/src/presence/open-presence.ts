import type { Answer, Bus, CallContext } from '@parley/bus'
import { refuse, type Actor } from '@parley/contracts'
import type { InputOf, OutputOf, SetStatus, WatchPresence } from '@parley/protocol'
import type { GatewayRouting } from '@parley/routing'
import type { Clock, Logger } from '@parley/runtime'
import type { Calls } from '../calls-over.ts'
import type { LocalDelivery } from '../delivery/local-delivery.ts'
import { onHub, type ChatConnection } from '../hub/chat-connection.ts'
import { Activity } from './activity.ts'
import { openConnectionCap } from './connection-cap.ts'
import { openWatches } from './open-watches.ts'

interface By {
  readonly connection: ChatConnection | undefined
  readonly within: CallContext
}

type States = OutputOf<typeof WatchPresence>
type Naming = InputOf<typeof WatchPresence> & { readonly actor: Actor }

/** Who is there, as this gateway's clients say and are told. */
export interface Presence extends AsyncDisposable {
  look(naming: Naming, by: By): Promise<Answer<States>>
  watch(naming: Naming, by: By): Promise<Answer<States>>
  unwatch(naming: Naming, by: By): Promise<Answer<Record<string, never>>>
  getStatus: Calls['presence']['getStatus']
  setStatus(
    request: InputOf<typeof SetStatus> & { readonly actor: Actor },
    by: By,
  ): Promise<Answer<OutputOf<typeof SetStatus>>>
  /** Resolves when others can know of the connection. */
  beginConnection(connection: ChatConnection): Promise<void>
  endConnection(connection: ChatConnection, how: Parameters<GatewayRouting['removeConnection']>[2]): Promise<void>
  /** What these two users are to each other may have changed. */
  relationBetweenChanged(userId: string, otherId: string): void
  readonly activity: Pick<Activity, 'performed'>
  readonly figures: PresenceFigures
}

/** As of now, and since the start. */
export interface PresenceFigures {
  readonly watchedUsers: number
  readonly watches: number
  /** States that connections were told of. */
  readonly told: number
  /** Users whose state was read again because something may have been missed. */
  readonly readAgain: number
  /** Connections that were closed because their user had too many. */
  readonly closedBeyondCap: number
}

export async function openPresence(options: {
  bus: Bus
  routing: GatewayRouting
  delivery: LocalDelivery
  calls: Pick<Calls, 'presence' | 'messaging'>
  connectionsPerUser: number
  idleMs?: number
  /** The open connection of this id. */
  find: (connectionId: string) => ChatConnection | undefined
  clock: Clock
  log: Logger
}): Promise<Presence> {
  const { routing, delivery, calls } = options
  await using stack = new AsyncDisposableStack()
  const opened = stack.use(await openWatches(options))
  const { watches } = opened
  delivery.onRelationsChanged((userId) => opened.relationsChanged(userId))
  const activity = stack.use(new Activity(options))
  const cap = stack.use(
    await openConnectionCap({ ...options, connectionsOf: (userId) => delivery.connectionsOf(userId) }),
  )

  const running = stack.move()
  return {
    activity,
    async look({ actor, userIds }, { within }) {
      return answered({ states: await watches.look(actor.userId, userIds, within) })
    },
    async watch({ userIds }, { connection, within }) {
      return answered({ states: await watches.watch(onHub(connection), userIds, within) })
    },
    async unwatch({ userIds }, { connection }) {
      watches.unwatch(onHub(connection), userIds)
      return answered({})
    },
    getStatus: (request, within) => calls.presence.getStatus(request, within),
    async setStatus(request, { connection, within }) {
      if (request.status === 'away' && connection === undefined) {
        throw refuse.invalid_input({}, 'Only a connected device can be away.')
      }
      const answer = await calls.presence.setStatus(request, within)
      if (answer.ok && connection !== undefined) {
        if (request.status === 'away') activity.left(connection)
        else activity.used(connection)
      }
      return answer
    },
    async beginConnection(connection) {
      const { actor, sessionId } = connection.identity
      const device = sessionId === null ? {} : { device: sessionId }
      const added = { connectionId: connection.id, userId: actor.userId, ...device }
      const { beyond, isIdle } = await routing.addConnection(added)
      activity.began(connection, { isIdle })
      cap.keep(connection, beyond)
    },
    async endConnection(connection, how) {
      watches.endConnection(connection)
      activity.endConnection(connection)
      await routing.removeConnection(connection.id, connection.identity.actor.userId, how)
    },
    relationBetweenChanged: (userId, otherId) => opened.relationBetweenChanged(userId, otherId),
    figures: {
      get watchedUsers() {
        return watches.figures.watchedUsers
      },
      get watches() {
        return watches.figures.watches
      },
      get told() {
        return watches.figures.told
      },
      get readAgain() {
        return opened.figures.readAgain
      },
      get closedBeyondCap() {
        return cap.figures.closed
      },
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

const answered = <Value>(value: Value) => ({ ok: true, value }) as const

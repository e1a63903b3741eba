import { randomUUID } from 'node:crypto'
import { Refused, refuse } from '@parley/contracts'
import { operations, type HubEvent, type Operation, type OperationName } from '@parley/protocol'
import type { Clock, Logger } from '@parley/runtime'
import { HubError, type DisconnectReason, type Hub, type HubMethod } from '@parley/signalr'
import type { LocalDelivery } from '../delivery/local-delivery.ts'
import type { Identity } from '../identity/identity.ts'
import type { Perform } from '../perform-operation.ts'
import type { GatheredMarks } from '../receipts/gathered-marks.ts'
import type { Presence } from '../presence/open-presence.ts'
import { retrying } from '../retrying.ts'
import type { LiveSessions } from '../sessions/live-sessions.ts'
import type { Typing } from '../typing/open-typing.ts'
import type { ChatConnection } from './chat-connection.ts'

/** How long a new connection waits for `messaging` to come back before it is told to try again. */
const JOIN_PATIENCE_MS = 15_000

/** The chat hub: every operation that the hub offers, and what happens when a client comes and goes. */
export function createChatHub(options: {
  perform: Perform
  delivery: LocalDelivery
  marks: Pick<GatheredMarks, 'endConnection'>
  typing: Pick<Typing, 'endConnection'>
  presence: Pick<Presence, 'beginConnection' | 'endConnection' | 'activity'>
  sessions: { readonly live: Pick<LiveSessions, 'begin' | 'endConnection'> }
  clock: Clock
  log: Logger
}): Hub<Identity> {
  const { delivery, marks, typing, presence, sessions, log } = options
  return {
    methods: methodsOf(options.perform, presence.activity),
    async onConnected(connection) {
      const { userId } = connection.identity.actor
      log.info({ userId, connectionId: connection.id }, 'client connected')
      sessions.live.begin(connection)
      const endsAt = performance.now() + JOIN_PATIENCE_MS
      const wanted = () => !connection.hasEnded && performance.now() < endsAt
      const joined = await retrying('joining topics', { wanted, log }, async () => {
        await delivery.join(connection)
        return true
      })
      if (joined === undefined) {
        connection.close({ error: 'unavailable: The service cannot answer now.', allowReconnect: true })
        return
      }
      await presence.beginConnection(connection)
      const welcome: HubEvent<'Welcome'> = {
        connectionId: connection.id,
        userId,
        serverTime: options.clock.now().toISOString(),
      }
      connection.send('Welcome', welcome)
    },
    async onDisconnected(connection, reason) {
      const { userId } = connection.identity.actor
      log.info({ userId, connectionId: connection.id, reason }, 'client disconnected')
      sessions.live.endConnection(connection)
      delivery.leave(connection)
      marks.endConnection(connection.id)
      typing.endConnection(connection)
      await presence.endConnection(connection, howOf(reason))
    },
  }
}

function methodsOf(perform: Perform, activity: Presence['activity']): Record<string, HubMethod<Identity>> {
  const offered = Object.entries<Operation>(operations).filter(([, declared]) => declared.hub !== undefined)
  return Object.fromEntries(
    offered.map(([name, { hub = name }]) => [hub, methodOf(name as OperationName, perform, activity)]),
  )
}

function methodOf(name: OperationName, perform: Perform, activity: Presence['activity']): HubMethod<Identity> {
  return async (connection: ChatConnection, input: unknown, ...others: unknown[]) => {
    activity.performed(connection, name)
    try {
      if (others.length > 0) throw refuse.invalid_input({}, 'There is one argument at most.')
      const { identity } = connection
      return await perform(name, { identity, origin: undefined, connection, input, requestId: randomUUID() })
    } catch (error) {
      // Its message is `<code>: <sentence>`; the hub protocol has no other place for a code.
      throw error instanceof Refused ? new HubError(error.message) : error
    }
  }
}

/** How presence is to take it: a user who meant to go is offline sooner than one who lost the network. */
function howOf(reason: DisconnectReason): 'closed' | 'lost' | 'drained' {
  if (reason === 'client closed') return 'closed'
  return reason === 'server stopping' ? 'drained' : 'lost'
}

import type { HubConnection } from '@parley/signalr'
import type { Identity } from '../identity/identity.ts'

/** One client of the chat hub. */
export type ChatConnection = HubConnection<Identity>

/** The operations that need a connection are offered on the hub alone. */
export function onHub(connection: ChatConnection | undefined): ChatConnection {
  if (connection === undefined) throw new TypeError('asked without a connection')
  return connection
}

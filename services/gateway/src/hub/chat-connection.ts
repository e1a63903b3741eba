import type { HubConnection } from '@parley/signalr'
import type { Identity } from '../identity/identity.ts'

/** One client of the chat hub. */
export type ChatConnection = HubConnection<Identity>

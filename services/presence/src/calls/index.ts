import type { Handlers } from '@parley/bus'
import type { presence } from '@parley/contracts'
import type { ConnectionRegistry } from '@parley/routing'
import type { Db } from '../store/tables.ts'
import { getPresence } from './get-presence.ts'

export const calls = (needs: { registry: ConnectionRegistry; db: Db }) =>
  ({ getPresence: getPresence(needs) }) satisfies Handlers<typeof presence>

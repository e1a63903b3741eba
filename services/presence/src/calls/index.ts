import type { Bus, Handlers } from '@parley/bus'
import type { presence } from '@parley/contracts'
import type { Outbox } from '@parley/postgres'
import type { ConnectionRegistry } from '@parley/routing'
import type { Clock, Logger } from '@parley/runtime'
import type { StoredStatus } from '../store/statuses.ts'
import type { Db } from '../store/tables.ts'
import { eraseUser } from './erase-user.ts'
import { exportUser } from './export-user.ts'
import { findRemains } from './find-remains.ts'
import { getPresence } from './get-presence.ts'
import { getStatus } from './get-status.ts'
import { setStatus } from './set-status.ts'

export const calls = (needs: {
  bus: Bus
  registry: ConnectionRegistry
  db: Db
  outbox: Outbox<StoredStatus>
  clock: Clock
  log: Logger
}) =>
  ({
    getPresence: getPresence(needs),
    getStatus: getStatus(needs),
    setStatus: setStatus(needs),
    eraseUser: eraseUser(needs),
    exportUser: exportUser(needs),
    findRemains: findRemains(needs),
  }) satisfies Handlers<typeof presence>

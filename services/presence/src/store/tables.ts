import type { OutboxTable } from '@parley/postgres'
import type { ChosenStatus } from '@parley/routing'
import type { Kysely } from 'kysely'

interface LastSeenTable {
  userId: string
  /** When the user was last there for others to see. Never goes back. */
  lastSeenAt: Date
}

/** What users have chosen to show. Who has never chosen has no row. */
interface StatusesTable {
  userId: string
  status: ChosenStatus['status']
  text: string | null
  until: Date | null
  visibleTo: ChosenStatus['visibleTo']
  /** One higher with each choice. */
  version: number
}

export interface Tables {
  lastSeen: LastSeenTable
  statuses: StatusesTable
  /** Choices that Redis may not know yet. */
  outbox: OutboxTable
}

export type Db = Kysely<Tables>

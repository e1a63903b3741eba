import type { Kysely } from 'kysely'

interface LastSeenTable {
  userId: string
  /** When the user's last connection ended. Never goes back. */
  lastSeenAt: Date
}

export interface Tables {
  lastSeen: LastSeenTable
}

export type Db = Kysely<Tables>

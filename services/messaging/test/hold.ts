import { sql, type RawBuilder } from 'kysely'
import { vi } from 'vitest'
import type { World } from './world.ts'

/** Holds conversations as a change under way elsewhere would, until it is disposed. */
export const holdConversation = (world: World, ...conversationIds: string[]): Promise<AsyncDisposable> =>
  hold(world, sql`select from conversations where id = any(${conversationIds}) for update`)

export async function hold(world: World, locking: RawBuilder<unknown>): Promise<AsyncDisposable> {
  const held = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const transaction = world.db.transaction().execute(async (db) => {
    await locking.execute(db)
    held.resolve()
    await release.promise
  })
  await held.promise
  return {
    async [Symbol.asyncDispose]() {
      release.resolve()
      await transaction
    },
  }
}

/** Resolves when so many connections wait for what others hold. */
export async function untilWaiting(world: World, atLeast: number): Promise<void> {
  await vi.waitFor(
    async () => {
      const { rows } = await sql<{ waiting: number }>`
        select count(*)::int as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`.execute(world.db)
      if (rows[0]!.waiting < atLeast) throw new Error(`only ${rows[0]!.waiting} wait`)
    },
    { timeout: 5_000, interval: 5 },
  )
}

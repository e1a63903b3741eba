import type { Clock } from '@parley/runtime'
import { sql } from 'kysely'
import type { Db } from '../src/store/tables.ts'

export interface MovingClock extends Clock {
  moveTo(time: Date): void
}

/** Stands still, now at first. */
export function movingClock(): MovingClock {
  let now = new Date()
  return { now: () => now, moveTo: (time) => void (now = time) }
}

export const shifted = (time: Date, byMs: number): Date => new Date(time.getTime() + byMs)

/** As if a conversation had begun with its first message, and its messages had been sent at these times. */
export async function backdate(db: Db, conversationId: string, times: readonly Date[]): Promise<void> {
  await sql`
    update messages set created_at = given.time
    from unnest(${times}::timestamptz[]) with ordinality as given (time, sequence)
    where conversation_id = ${conversationId} and messages.sequence = given.sequence`.execute(db)
  await db
    .updateTable('conversations')
    .set({ createdAt: times[0]!, lastMessageAt: times.at(-1)! })
    .where('id', '=', conversationId)
    .execute()
}

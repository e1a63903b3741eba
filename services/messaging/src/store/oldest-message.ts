import { limits } from '@parley/protocol'
import { lowestIdAt } from '../domain/month.ts'
import type { Db } from './tables.ts'

const LOOKED_AT = 10_000

/**
 * When the oldest message that is stored was created; undefined without any. Ids are nearly in the order of creation: looked at
 * are those that may come before the first, up to a bound.
 */
export async function oldestMessageAt(db: Db): Promise<Date | undefined> {
  const byId = db.selectFrom('messages').select('createdAt').orderBy('id')
  const first = await byId.limit(1).executeTakeFirst()
  if (first === undefined) return undefined
  const latestId = lowestIdAt(new Date(first.createdAt.getTime() + limits.messageIdFutureMs + 1))
  const oldest = await db
    .selectFrom(byId.where('id', '<', latestId).limit(LOOKED_AT).as('first'))
    .select(({ fn }) => fn.min('first.createdAt').as('createdAt'))
    .executeTakeFirst()
  return oldest?.createdAt ?? first.createdAt
}

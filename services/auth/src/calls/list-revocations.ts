import type { Handler } from '@parley/bus'
import type { auth } from '@parley/contracts'
import { listRevocationsAfter, newestPosition } from '../store/revocations.ts'
import type { Db } from '../store/tables.ts'

/** About 200 bytes each: an answer stays well below what NATS carries. */
const PAGE_SIZE = 1_000

export const listRevocations =
  (db: Db): Handler<typeof auth.calls.listRevocations> =>
  async ({ after }) => {
    // First, and so not beyond what the list can have.
    const newest = await newestPosition(db)
    const listed = await listRevocationsAfter(db, after, PAGE_SIZE + 1)
    const revocations = listed.slice(0, PAGE_SIZE)
    return { revocations, position: revocations.at(-1)?.position ?? newest, hasMore: listed.length > PAGE_SIZE }
  }

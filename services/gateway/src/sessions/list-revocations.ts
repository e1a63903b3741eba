import { must } from '@parley/bus'
import type { Calls } from '../calls-over.ts'
import type { Revocations } from './revocations.ts'

/** Reads what comes after the known position, page by page. Rejects when `auth` does not answer. */
export async function listRevocations(
  calls: Pick<Calls['auth'], 'listRevocations'>,
  revocations: Revocations,
): Promise<void> {
  let hasMore = true
  while (hasMore) {
    const page = must(await calls.listRevocations({ after: revocations.position }))
    for (const revocation of page.revocations) revocations.add(revocation)
    revocations.reached(page.position)
    hasMore = page.hasMore
  }
}

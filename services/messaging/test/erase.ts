import { must } from '@parley/bus'
import type { ReplyOf, messaging } from '@parley/contracts'
import type { World } from './world.ts'

type Calls = (typeof messaging)['calls']
type Part = ReplyOf<Calls['eraseUser']>

/** As `retention` asks, again and again until it is done; asked once more when it was refused. Answers counts. */
export async function eraseThrough(
  calls: World['calls'],
  userId: string,
  between?: (part: Part) => Promise<void>,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  let cursor: string | null = null
  for (let asked = 0; asked < 1_000; asked++) {
    const answer: Awaited<ReturnType<typeof calls.eraseUser>> = await calls.eraseUser({ userId, cursor })
    if (!answer.ok) continue
    const part = answer.value
    for (const [name, count] of Object.entries(part.counts)) counts[name] = (counts[name] ?? 0) + count
    if (part.outcome === 'done') return counts
    ;({ cursor } = part)
    await between?.(part)
  }
  throw new Error('it does not end')
}

type Records = ReplyOf<Calls['exportUser']>['records']

/** All pages. */
export async function exportThrough(
  calls: World['calls'],
  userId: string,
): Promise<{ pages: Records[]; all: Records }> {
  const pages: Records[] = []
  let cursor: string | null = null
  do {
    const page: ReplyOf<Calls['exportUser']> = must(await calls.exportUser({ userId, cursor }))
    pages.push(page.records)
    ;({ cursor } = page)
  } while (cursor !== null)
  return { pages, all: pages.flat() }
}

type Remains = ReplyOf<Calls['findRemains']>

/** All that is found. */
export async function findThrough(
  calls: World['calls'],
  erasedUserIds: string[] = [],
  options: { leaveDefaultToMonths?: boolean } = {},
): Promise<{ findings: Remains['findings']; counts: Record<string, number>; pages: number }> {
  const findings: Remains['findings'] = []
  const counts: Record<string, number> = {}
  let cursor: string | null = null
  let pages = 0
  do {
    const part: Remains = must(await calls.findRemains({ erasedUserIds, cursor, ...options }))
    findings.push(...part.findings)
    for (const [name, count] of Object.entries(part.counts)) counts[name] = (counts[name] ?? 0) + count
    ;({ cursor } = part)
    pages += 1
  } while (cursor !== null)
  return { findings, counts, pages }
}

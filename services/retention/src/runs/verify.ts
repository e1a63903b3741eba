import { must, type Answer, type Callers } from '@parley/bus'
import type { auth, Counts, Finding, media, messaging, presence, ReplyOf, RequestOf } from '@parley/contracts'
import { withCounts } from '../domain/counts.ts'
import type { Outcome } from '../store/runs.ts'

type FindRemains = (typeof messaging)['calls']['findRemains']

/** Who keeps something, and finds what should be gone. */
export interface Owners {
  readonly auth: Pick<Callers<typeof auth>, 'findRemains'>
  readonly messaging: Pick<Callers<typeof messaging>, 'findRemains'>
  readonly media: Pick<Callers<typeof media>, 'findRemains'>
  readonly presence: Pick<Callers<typeof presence>, 'findRemains'>
}

const MOST_FINDINGS = 100
const USERS_AT_ONCE = 5_000

/** Looks in every store of every service for what should be gone. What expired is looked for once, with the first users. */
export async function verify(
  using: {
    owners: Owners
    /** Users whose erasure is done, by id, after one. */
    listErasedUserIds: (page: { after: string | undefined; limit: number }) => Promise<string[]>
    /** The same in what retention keeps itself. */
    findOwnRemains: () => Promise<{ counts: Counts; findings: Finding[] }>
    leaveDefaultToMonths: boolean
    note: (counts: Counts) => Promise<void>
  },
  signal: AbortSignal,
): Promise<Outcome> {
  const { leaveDefaultToMonths } = using
  const own = await using.findOwnRemains()
  let counts: Counts = own.counts
  const findings: Finding[] = [...own.findings]
  let found = findings.length
  let after: string | undefined
  for (;;) {
    const erasedUserIds = await using.listErasedUserIds({ after, limit: USERS_AT_ONCE })
    for (const [service, owner] of Object.entries(using.owners)) {
      const ask = (request: RequestOf<FindRemains>): Promise<Answer<ReplyOf<FindRemains>>> =>
        owner.findRemains({ ...request, leaveDefaultToMonths })
      let cursor: string | null = null
      do {
        signal.throwIfAborted()
        const answer: ReplyOf<FindRemains> = must(await ask({ erasedUserIds, cursor }))
        counts = withCounts(counts, prefixed(service, answer.counts))
        found += answer.findings.length
        findings.push(...answer.findings.slice(0, MOST_FINDINGS - findings.length))
        await using.note(counts)
        cursor = answer.cursor
      } while (cursor !== null)
    }
    if (erasedUserIds.length < USERS_AT_ONCE) break
    after = erasedUserIds.at(-1)
  }
  return { result: found === 0 ? 'done' : 'remains', counts: { ...counts, findings: found }, findings }
}

const prefixed = (service: string, counts: Counts): Counts =>
  Object.fromEntries(Object.entries(counts).map(([thing, count]) => [`${service}.${thing}`, count]))

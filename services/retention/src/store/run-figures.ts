import type { RunKind } from '@parley/protocol'
import { sql } from 'kysely'
import type { Db, RunResult } from './tables.ts'

export interface RunFigures {
  readonly runs: readonly { readonly kind: RunKind; readonly result: RunResult; readonly runs: number }[]
  /** By store and thing, of all runs together. */
  readonly expired: Readonly<Record<string, number>>
  /** Policies and holds that messaging is not known to go by. */
  readonly unconfirmed: number
  /** Of the last verification. */
  readonly findings: number
}

export async function readRunFigures(db: Db): Promise<RunFigures> {
  const runs = await db
    .selectFrom('runs')
    .select(['kind', 'result'])
    .select(({ fn }) => fn.countAll<number>().as('runs'))
    .where('result', 'is not', null)
    .$narrowType<{ result: RunResult }>()
    .groupBy(['kind', 'result'])
    .execute()
  const { rows: expired } = await sql<{ thing: string; count: number }>`
    select thing, sum(count::bigint)::bigint as count from runs cross join jsonb_each_text(counts) as counted (thing, count)
    where kind = 'expire' group by thing`.execute(db)
  const { rows: others } = await sql<{ unconfirmed: number; findings: number | null }>`
    select
      (select count(*) from holds
        where confirmed is distinct from case when released_at is null then 'placed' else 'released' end)
      + (select count(*) from policies where not confirmed and conversation_id is not null)
      + (select count(*) from rules where confirmed_revision <> revision) as unconfirmed,
      (select (counts ->> 'findings')::bigint from runs
        where kind = 'verify' and result in ('done', 'remains') order by started_at desc limit 1) as findings`.execute(
    db,
  )
  const { unconfirmed, findings } = others[0]!
  return {
    runs,
    expired: Object.fromEntries(expired.map(({ thing, count }) => [thing, count])),
    unconfirmed,
    findings: findings ?? 0,
  }
}

import type { RetentionRules } from '@parley/contracts'
import { sql } from 'kysely'
import type { Db } from './tables.ts'

/** Undefined before `retention` has said anything. */
export async function readRetentionRules(db: Db): Promise<RetentionRules | undefined> {
  const row = await db.selectFrom('retentionRules').select(['revision', 'rules']).executeTakeFirst()
  return row && { ...row.rules, revision: row.revision }
}

/** Unless later ones are known. */
export async function writeRetentionRules(db: Db, rules: RetentionRules): Promise<void> {
  const { revision } = rules
  await db
    .insertInto('retentionRules')
    .values({ revision, rules: JSON.stringify(rules) })
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet({ revision, rules: JSON.stringify(rules) })
        .where('retentionRules.revision', '<', sql<number>`excluded.revision`),
    )
    .execute()
}

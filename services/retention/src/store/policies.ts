import type { RetentionRules } from '@parley/contracts'
import type { ConversationKind } from '@parley/protocol'
import { sql } from 'kysely'
import type { Db, PolicyRow } from './tables.ts'

export interface PolicyScope {
  readonly conversationId: string | null
  readonly kind: ConversationKind | null
}

/** The name of what a policy is for. */
export const scopeOf = ({ conversationId, kind }: PolicyScope): string => conversationId ?? kind ?? 'default'

export async function writePolicy(
  db: Db,
  policy: Pick<PolicyRow, 'conversationId' | 'kind' | 'messageDays' | 'fileDays' | 'changedBy' | 'changedAt'>,
): Promise<PolicyRow> {
  const { conversationId, kind, ...changed } = policy
  return db
    .insertInto('policies')
    .values({ scope: scopeOf(policy), conversationId, kind, ...changed })
    .onConflict((conflict) => conflict.column('scope').doUpdateSet({ ...changed, confirmed: false }))
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Those of the default and the kinds. */
export async function listWidePolicies(db: Db): Promise<PolicyRow[]> {
  return db.selectFrom('policies').selectAll().where('conversationId', 'is', null).execute()
}

/** Those of conversations that say something, by conversation, after one. */
export async function listConversationPolicies(
  db: Db,
  page: { after: string | undefined; limit: number },
): Promise<PolicyRow[]> {
  return db
    .selectFrom('policies')
    .selectAll()
    .where('conversationId', 'is not', null)
    .where((eb) => eb.or([eb('messageDays', 'is not', null), eb('fileDays', 'is not', null)]))
    .$if(page.after !== undefined, (query) => query.where('conversationId', '>', page.after!))
    .orderBy('conversationId')
    .limit(page.limit)
    .execute()
}

/** The longest that any message is kept by a policy. */
export async function longestDays(db: Db): Promise<number> {
  const { longest } = await db
    .selectFrom('policies')
    .select(({ fn }) => fn.max('messageDays').as('longest'))
    .executeTakeFirstOrThrow()
  return Math.max(longest ?? 0, (await readRules(db)).default.messageDays)
}

/** Not less than the time: a database that was put back to an earlier state is not taken to be older than what it told. */
const nextRevision = sql<number>`greatest(rules.revision + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint)`

/**
 * Takes the default from the configuration. Each start is a new revision: a database that was put back to an earlier state is heard
 * again.
 */
export async function adoptDefaultDays(db: Db, defaultDays: number): Promise<void> {
  await db
    .insertInto('rules')
    .values({ revision: sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`, defaultDays })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ defaultDays, revision: nextRevision }))
    .execute()
}

/** With the change of a policy, in its transaction: until it ends nobody else changes one of the default or of a kind. */
export async function raiseRevision(db: Db): Promise<void> {
  await db.updateTable('rules').set({ revision: nextRevision }).executeTakeFirstOrThrow()
}

/** The rules as of their revision. */
export async function readRules(db: Db): Promise<RetentionRules> {
  const { revision, defaultDays } = await db.selectFrom('rules').selectAll().executeTakeFirstOrThrow()
  const rules: RetentionRules = {
    revision,
    default: { messageDays: defaultDays, fileDays: null },
    direct: { messageDays: null, fileDays: null },
    group: { messageDays: null, fileDays: null },
    channel: { messageDays: null, fileDays: null },
  }
  for (const { kind, messageDays, fileDays } of await listWidePolicies(db)) {
    if (kind === null) rules.default = { messageDays: messageDays ?? defaultDays, fileDays }
    else rules[kind] = { messageDays, fileDays }
  }
  return rules
}

/** Locked until the transaction ends: who tells messaging of it does so alone, and in the order of changes. */
export async function lockRules(db: Db): Promise<{ revision: number; confirmedRevision: number }> {
  return db.selectFrom('rules').select(['revision', 'confirmedRevision']).forUpdate().executeTakeFirstOrThrow()
}

export async function confirmRules(db: Db, revision: number): Promise<void> {
  await db.updateTable('rules').set({ confirmedRevision: revision }).execute()
}

export async function listUnconfirmedPolicies(db: Db, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('policies')
    .select('conversationId')
    .where('confirmed', '=', false)
    .where('conversationId', 'is not', null)
    .orderBy('scope')
    .limit(limit)
    .$narrowType<{ conversationId: string }>()
    .execute()
  return rows.map(({ conversationId }) => conversationId)
}

/** Of whichever conversations have or had one, by conversation, after one. */
export async function listPolicies(db: Db, page: { after: string | undefined; limit: number }): Promise<string[]> {
  const rows = await db
    .selectFrom('policies')
    .select('conversationId')
    .where('conversationId', 'is not', null)
    .$if(page.after !== undefined, (query) => query.where('conversationId', '>', page.after!))
    .orderBy('conversationId')
    .limit(page.limit)
    .$narrowType<{ conversationId: string }>()
    .execute()
  return rows.map(({ conversationId }) => conversationId)
}

/** Locked until the transaction ends. */
export async function lockPolicy(db: Db, conversationId: string): Promise<PolicyRow | undefined> {
  return db.selectFrom('policies').selectAll().where('scope', '=', conversationId).forUpdate().executeTakeFirst()
}

/**
 * Under its lock. One that says nothing any more stays, so that a messaging that was put back to an earlier state learns that it was
 * removed.
 */
export async function confirmPolicy(db: Db, conversationId: string): Promise<void> {
  await db.updateTable('policies').set({ confirmed: true }).where('scope', '=', conversationId).execute()
}

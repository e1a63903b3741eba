import type { Handler } from '@parley/bus'
import type { retention } from '@parley/contracts'
import type { RetentionPolicy } from '@parley/protocol'
import { z } from 'zod'
import { policyOf } from '../policies/policy-of.ts'
import { listConversationPolicies, listWidePolicies, readRules } from '../store/policies.ts'
import type { Db } from '../store/tables.ts'
import { DEFAULT_PAGE_SIZE, readCursor, writeCursor } from './cursor.ts'

const Place = z.tuple([z.guid()])

/** The first page begins with the default and the kinds. */
export function listRetentionPolicies({
  db,
}: {
  db: Db
}): Handler<(typeof retention)['calls']['listRetentionPolicies']> {
  async function listWide(): Promise<RetentionPolicy[]> {
    const { messageDays } = (await readRules(db)).default
    const wide = await listWidePolicies(db)
    const unset = { conversationId: null, kind: null, messageDays, fileDays: null, changedBy: null, changedAt: null }
    const set = wide.find(({ kind }) => kind === null)
    return [
      set === undefined ? unset : policyOf(set),
      ...wide.filter(({ kind, ...periods }) => kind !== null && saysSomething(periods)).map(policyOf),
    ]
  }

  return async ({ cursor, limit = DEFAULT_PAGE_SIZE }) => {
    const after = cursor === undefined ? undefined : readCursor(cursor, Place)[0]
    const found = await listConversationPolicies(db, { after, limit: limit + 1 })
    const page = found.slice(0, limit)
    return {
      policies: [...(cursor === undefined ? await listWide() : []), ...page.map(policyOf)],
      nextCursor: found.length > limit ? writeCursor([page.at(-1)!.conversationId!]) : null,
    }
  }
}

const saysSomething = ({ messageDays, fileDays }: { messageDays: number | null; fileDays: number | null }): boolean =>
  messageDays !== null || fileDays !== null

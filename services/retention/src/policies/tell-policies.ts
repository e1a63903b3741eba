import type { Callers } from '@parley/bus'
import { Refused, type messaging } from '@parley/contracts'
import {
  confirmPolicy,
  confirmRules,
  listPolicies,
  listUnconfirmedPolicies,
  lockPolicy,
  lockRules,
  readRules,
} from '../store/policies.ts'
import type { Db } from '../store/tables.ts'

export interface Telling {
  readonly db: Db
  readonly messaging: Pick<Callers<typeof messaging>, 'setRetentionRules' | 'setConversationRetention'>
}

const POLICIES_AT_ONCE = 100

/** Resolves when messaging goes by the rules as they are now. Told by one at a time, so that an older state never comes last. */
export async function tellRules({ db, messaging }: Telling): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await lockRules(transaction)
    const rules = await readRules(transaction)
    const answer = await messaging.setRetentionRules({ rules })
    if (!answer.ok) throw new Refused(answer.refusal)
    await confirmRules(transaction, rules.revision)
  })
}

/** The same for the policy of one conversation, also when it was removed. */
export async function tellPolicyOf({ db, messaging }: Telling, conversationId: string): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const policy = await lockPolicy(transaction, conversationId)
    if (policy === undefined) return
    const { messageDays, fileDays } = policy
    const answer = await messaging.setConversationRetention({ conversationId, messageDays, fileDays })
    // Messaging was put back to before that conversation, of which nothing is there to be deleted.
    const isUnknown = !answer.ok && answer.refusal.code === 'conversation_not_found'
    if (!answer.ok && !isUnknown) throw new Refused(answer.refusal)
    await confirmPolicy(transaction, conversationId)
  })
}

/** All of them, known or not: messaging may have been put back to an earlier state. */
export async function tellPoliciesAgain(using: Telling, signal: AbortSignal): Promise<void> {
  await tellRules(using)
  let after: string | undefined
  do {
    const conversationIds = await listPolicies(using.db, { after, limit: POLICIES_AT_ONCE })
    for (const conversationId of conversationIds) {
      signal.throwIfAborted()
      await tellPolicyOf(using, conversationId)
    }
    after = conversationIds.length < POLICIES_AT_ONCE ? undefined : conversationIds.at(-1)
  } while (after !== undefined)
}

/** Whatever messaging may not know yet. */
export async function tellUnconfirmedPolicies(using: Telling, signal: AbortSignal): Promise<void> {
  const { revision, confirmedRevision } = await using.db.transaction().execute(lockRules)
  if (revision !== confirmedRevision) await tellRules(using)
  let conversationIds: string[]
  do {
    conversationIds = await listUnconfirmedPolicies(using.db, POLICIES_AT_ONCE)
    for (const conversationId of conversationIds) {
      signal.throwIfAborted()
      await tellPolicyOf(using, conversationId)
    }
  } while (conversationIds.length === POLICIES_AT_ONCE)
}

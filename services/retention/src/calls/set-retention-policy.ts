import type { EventRecord, Handler } from '@parley/bus'
import { refuse, type retention } from '@parley/contracts'
import { writeOutbox, type Outbox } from '@parley/postgres'
import type { Clock } from '@parley/runtime'
import { decided } from '../decisions.ts'
import { policyOf } from '../policies/policy-of.ts'
import { askedPolicy, isMuch, preview, type Previewing } from '../policies/preview.ts'
import { tellPolicyOf, tellRules, type Telling } from '../policies/tell-policies.ts'
import { raiseRevision, scopeOf, writePolicy } from '../store/policies.ts'
import type { Db } from '../store/tables.ts'

/** In force when it is answered. When it could not be told to messaging, it is told again until it is. */
export function setRetentionPolicy(parts: {
  db: Db
  outbox: Outbox<EventRecord>
  messaging: Previewing & Telling['messaging']
  clock: Clock
  confirmAbove: number
}): Handler<(typeof retention)['calls']['setRetentionPolicy']> {
  const { db, outbox, messaging, clock, confirmAbove } = parts
  return async ({ actor, confirmed, ...request }, context) => {
    const asked = askedPolicy(request)
    const effect = await preview(messaging, asked, context)
    const { messages, files } = effect
    const isConfirmed = confirmed !== undefined && confirmed.messages >= messages && confirmed.files >= files
    if (isMuch(effect, confirmAbove) && !isConfirmed) throw refuse.confirmation_needed({ messages, files })

    const at = clock.now()
    const { policy, told } = await db.transaction().execute(async (transaction) => {
      if (asked.conversationId === null) await raiseRevision(transaction)
      const { messageDays, fileDays } = asked
      const decision = decided({
        action: 'retention-policy-set',
        actorId: actor.userId,
        userId: null,
        details: { scope: scopeOf(asked), messageDays, fileDays, messages, files },
        at,
      })
      const written = { ...asked, changedBy: actor.userId, changedAt: at }
      return {
        policy: await writePolicy(transaction, written),
        told: await writeOutbox(transaction, [decision]),
      }
    })
    await outbox.send([told])
    if (asked.conversationId === null) await tellRules({ db, messaging })
    else await tellPolicyOf({ db, messaging }, asked.conversationId)
    return { policy: policyOf(policy), effect }
  }
}

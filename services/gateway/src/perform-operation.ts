import { BusError, createContext } from '@parley/bus'
import { Refused, refuse } from '@parley/contracts'
import { isForAnyone, mayAsk, operations, type OperationName, type OutputOf } from '@parley/protocol'
import type { Logger } from '@parley/runtime'
import type { z } from 'zod'
import type { Limits } from './limits/open-limits.ts'
import type { OnPerformed } from './metrics.ts'
import { operationTable, type Answerer, type Asker, type Services } from './operation-table.ts'

/** How long a client waits at most, whatever the calls on the way allow. */
const OPERATION_TIMEOUT_MS = 30_000

/**
 * Performs an operation for a client, by whichever door it came. Throws `Refused`, and nothing else. Without an identity it does
 * those that are for anyone.
 */
export type Perform = <Name extends OperationName>(
  name: Name,
  request: Omit<Asker, 'identity'> & { identity: Asker['identity'] | undefined; input: unknown; requestId: string },
) => Promise<OutputOf<(typeof operations)[Name]>>

export function createPerform(
  services: Services,
  { limits, onPerformed, log }: { limits: Pick<Limits, 'admitOperation'>; onPerformed: OnPerformed; log: Logger },
): Perform {
  async function admit(name: OperationName, asker: Asker): Promise<void> {
    await limits.admitOperation(name, asker)
    const { actor, isService } = asker.identity
    if (!mayAsk({ isService, scopes: actor.scopes }, name)) throw refuse.forbidden()
  }

  const perform: Perform = async (name, { input, requestId, identity, ...from }) => {
    if (identity === undefined && !isForAnyone(name)) throw refuse.unauthenticated()
    // Without one it is an operation that does not look at who asks.
    const asker = { ...from, identity: identity as Asker['identity'] }
    if (identity !== undefined) await admit(name, asker)
    const actor = identity?.actor
    const parsed = operations[name].input.safeParse(input ?? {})
    if (!parsed.success) throw refuse.invalid_input({}, sentenceOf(parsed.error))
    const answer = operationTable[name] as unknown as Answerer<typeof name>
    try {
      const request = { actor, ...parsed.data } as Parameters<typeof answer>[1]
      const within = createContext(requestId, OPERATION_TIMEOUT_MS)
      const answered = await answer(services, request, within, asker)
      if (answered.ok) return answered.value
      throw new Refused(answered.refusal)
    } catch (error) {
      if (error instanceof Refused) throw error
      log.error({ error, operation: name, userId: actor?.userId, requestId }, 'operation failed')
      if (error instanceof BusError && error.code === 'overloaded') throw refuse.overloaded({ retryAfterMs: 1_000 })
      throw isWorthRetrying(error) ? refuse.unavailable() : refuse.internal()
    }
  }
  return async (name, request) => {
    const startedAt = performance.now()
    let code = 'ok'
    try {
      return await perform(name, request)
    } catch (error) {
      code = error instanceof Refused ? error.refusal.code : 'internal'
      throw error
    } finally {
      onPerformed(name, { code, seconds: (performance.now() - startedAt) / 1_000 })
    }
  }
}

/** Nobody answered, or not in time. A crash on the other side would come again. */
const isWorthRetrying = (error: unknown): boolean =>
  error instanceof BusError && (error.code === 'unavailable' || error.code === 'timeout')

/** The first thing that is wrong, in words: `text: must not be empty`. */
function sentenceOf(error: z.ZodError): string {
  const issue = error.issues[0]
  if (issue === undefined) return 'The input is not valid.'
  const where = issue.path.join('.')
  const what = issue.message.replace(/\.$/, '')
  return where === '' ? `${what}.` : `${where}: ${what}.`
}

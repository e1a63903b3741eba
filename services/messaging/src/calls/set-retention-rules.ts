import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import type { OpenRetention } from '../retention.ts'

export function setRetentionRules({
  retention,
}: {
  retention: Pick<OpenRetention, 'setRules'>
}): Handler<(typeof messaging)['calls']['setRetentionRules']> {
  return async ({ rules }) => {
    await retention.setRules(rules)
    return {}
  }
}

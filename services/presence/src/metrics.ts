import type { Outbox } from '@parley/postgres'
import type { ConnectionRegistry, Transition } from '@parley/routing'
import { count, measure, type Metrics } from '@parley/runtime'
import type { Notices } from './notices.ts'

/** What is counted as it happens. */
export interface Counts {
  announced(status: Transition['status']): void
  gatewaySwept(): void
  statusWritten(): void
}

export function countPresence(metrics: Metrics): Counts {
  return {
    announced: count(metrics, 'parley_presence_transitions_total', 'Changes of users that were announced.', 'status'),
    gatewaySwept: count(metrics, 'parley_presence_gateways_swept_total', 'Gateways whose end was noticed here.'),
    statusWritten: count(metrics, 'parley_presence_status_writes_total', 'Statuses that were brought into Redis.'),
  }
}

/** What operators watch: whether changes are announced in time, and whether it can be told who is not there. */
export function measurePresence(
  metrics: Metrics,
  parts: {
    registry: Pick<ConnectionRegistry, 'measure'>
    notices: Pick<Notices, 'sent' | 'whole'>
    outbox: Pick<Outbox<unknown>, 'measure'>
  },
): void {
  const { registry, notices, outbox } = parts
  measure(metrics, 'parley_presence_due_users', 'Users who are due to be looked at.', async () => {
    return (await registry.measure()).waiting
  })
  measure(metrics, 'parley_presence_due_oldest_seconds', 'How long the first of them waits.', async () => {
    return (await registry.measure()).oldestAgeMs / 1_000
  })
  measure(metrics, 'parley_presence_gateways', 'Gateways heard lately.', async () => {
    return (await registry.measure()).gateways
  })
  measure(metrics, 'parley_presence_whole', 'Whether it can be told of everybody if they are offline.', async () => {
    return notices.whole ? 1 : 0
  })
  measure(metrics, 'parley_presence_notices', 'Notices of changes since the start.', async () => notices.sent)
  measure(metrics, 'parley_presence_statuses_unwritten', 'Statuses that Redis may not know yet.', async () => {
    return (await outbox.measure()).rows
  })
}

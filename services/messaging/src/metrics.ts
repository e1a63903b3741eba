import { measure, type Metrics } from '@parley/runtime'
import type { NumberedNotices } from './delivery/numbered-notices.ts'
import type { Telling } from './delivery/open-telling.ts'
import type { Sending } from './send/open-sending.ts'

/** What operators watch: whether what is committed is told, and whether what is sent is written. */
export function measureMessaging(
  metrics: Metrics,
  parts: { telling: Pick<Telling, 'measure'>; notices: Pick<NumberedNotices, 'numbered'>; sending: Sending },
): void {
  const { telling, notices, sending } = parts
  measure(metrics, 'parley_outbox_rows', 'Changes that are committed and not told to everybody yet.', async () => {
    return (await telling.measure()).rows
  })
  measure(metrics, 'parley_outbox_oldest_seconds', 'How long the oldest of them waits.', async () => {
    return (await telling.measure()).oldestAgeMs / 1_000
  })
  measure(metrics, 'parley_notices_sent_total', 'Batches of changes that gateways were sent.', async () => {
    return notices.numbered
  })
  measure(metrics, 'parley_sends_waiting', 'Sends that wait to be written, or are being written.', async () => {
    return sending.unsettled
  })
}

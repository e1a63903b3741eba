import { measure, measureEach, type Metrics } from '@parley/runtime'
import type { Scanner } from './scan/scanner.ts'
import { measureChecks } from './store/checks.ts'
import { countUnused } from './store/orphans.ts'
import { listReconciliations } from './store/reconciliations.ts'
import { measureRemovals } from './store/removals.ts'
import type { Db } from './store/tables.ts'

/** What operators watch: whether files are checked, whether what is deleted goes, and whether bucket and table agree. */
export function registerMetrics(
  metrics: Metrics,
  { db, atWork, scanner }: { db: Db; atWork: () => number; scanner: Scanner | undefined },
): void {
  measure(
    metrics,
    'parley_media_checks_waiting',
    'Uploads that wait to be checked, or are being checked.',
    async () => {
      return (await measureChecks(db)).uploads
    },
  )
  measure(metrics, 'parley_media_checks_oldest_seconds', 'How long the oldest of them waits.', async () => {
    return (await measureChecks(db)).oldestSeconds
  })
  measure(metrics, 'parley_media_checks_running', 'Those that this instance is looking at.', async () => atWork())
  measureEach(metrics, 'parley_media_unused_uploads', 'Uploads that are part of nothing, by state.', {
    label: 'state',
    read: () => countUnused(db),
  })
  measure(metrics, 'parley_media_removals_waiting', 'Uploads whose objects are to be removed.', async () => {
    return (await measureRemovals(db)).uploads
  })
  measure(metrics, 'parley_media_removals_oldest_seconds', 'How long the oldest of them waits.', async () => {
    return (await measureRemovals(db)).oldestSeconds
  })
  if (scanner !== undefined) {
    measure(metrics, 'parley_media_scanner_up', 'Whether the scanner answers: without it nothing becomes ready.', () =>
      scanner.check().then(
        () => 1,
        () => 0,
      ),
    )
  }
  const ofLast = (name: string, help: string, read: (last: LastReconciliation) => number) =>
    measure(metrics, name, help, async () => {
      const last = (await listReconciliations(db, 2)).find(({ outcome }) => outcome !== 'running')
      if (last === undefined) throw new Error('there was none yet')
      return read(last)
    })
  ofLast('parley_media_unknown_objects', 'Objects without an upload, in the last reconciliation.', (last) => {
    return last.unknownObjects
  })
  ofLast('parley_media_missing_objects', 'Uploads without their object, in the last reconciliation.', (last) => {
    return last.missingObjects
  })
  ofLast('parley_media_reconciliation_age_seconds', 'How long ago the last reconciliation began.', (last) => {
    return (Date.now() - Date.parse(last.startedAt)) / 1_000
  })
  ofLast('parley_media_reconciliation_succeeded', 'Whether the last reconciliation came to its end.', (last) => {
    return last.outcome === 'finished' ? 1 : 0
  })
}

type LastReconciliation = Awaited<ReturnType<typeof listReconciliations>>[number]

import type { Clock, Logger, Metrics } from '@parley/runtime'
import { Gauge } from 'prom-client'
import { monthsStillAhead } from './domain/months-ahead.ts'
import type { LastDone } from './store/runs.ts'

/**
 * Figures for alarms. They come from the records, so every instance tells the same, whoever leads; what is not known now is
 * not told.
 */
export function measureProgress(
  metrics: Metrics,
  using: { listLastDone: () => Promise<LastDone[]>; clock: Clock; log: Logger },
): void {
  async function listLastDone(): Promise<LastDone[]> {
    try {
      return await using.listLastDone()
    } catch (error) {
      using.log.warn({ error }, 'progress not known')
      return []
    }
  }

  // Registered by being made.
  void new Gauge({
    name: 'retention_last_success_timestamp_seconds',
    help: 'When the last run of a kind ended that did its work.',
    labelNames: ['kind'],
    registers: [metrics],
    async collect() {
      const lastDone = await listLastDone()
      this.reset()
      for (const { kind, endedAt } of lastDone) this.set({ kind }, endedAt.getTime() / 1_000)
    },
  })
  void new Gauge({
    name: 'retention_months_ahead',
    help: 'Months of messages that exist beyond the present one, without a gap.',
    registers: [metrics],
    async collect() {
      const lastDone = await listLastDone()
      this.remove()
      for (const { monthsAhead, endedAt } of lastDone) {
        if (monthsAhead !== null) this.set(monthsStillAhead({ ahead: monthsAhead, at: endedAt }, using.clock.now()))
      }
    },
  })
}

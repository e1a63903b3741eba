import type { Clock, Logger, Metrics } from '@parley/runtime'
import { Counter, Gauge } from 'prom-client'
import { monthsStillAhead } from './domain/months-ahead.ts'
import type { OldestMessage } from './oldest-message.ts'
import type { RunFigures } from './store/run-figures.ts'
import type { LastDone } from './store/runs.ts'

/**
 * Figures for alarms. They come from the records, so every instance tells the same, whoever leads; what is not known now is
 * not told.
 */
export function measureProgress(
  metrics: Metrics,
  using: {
    listLastDone: () => Promise<LastDone[]>
    readFigures: () => Promise<RunFigures>
    oldestMessage: OldestMessage
    clock: Clock
    log: Logger
  },
): void {
  const { clock, log } = using

  async function known<Value>(read: () => Promise<Value>): Promise<Value | undefined> {
    try {
      return await read()
    } catch (error) {
      log.warn({ error }, 'progress not known')
      return undefined
    }
  }

  // Registered by being made.
  void new Gauge({
    name: 'retention_last_success_timestamp_seconds',
    help: 'When the last run of a kind ended that did its work.',
    labelNames: ['kind'],
    registers: [metrics],
    async collect() {
      const lastDone = (await known(using.listLastDone)) ?? []
      this.reset()
      for (const { kind, endedAt } of lastDone) this.set({ kind }, endedAt.getTime() / 1_000)
    },
  })
  void new Gauge({
    name: 'retention_months_ahead',
    help: 'Months of messages that exist beyond the present one, without a gap.',
    registers: [metrics],
    async collect() {
      const lastDone = (await known(using.listLastDone)) ?? []
      this.remove()
      for (const { monthsAhead, endedAt } of lastDone) {
        if (monthsAhead !== null) this.set(monthsStillAhead({ ahead: monthsAhead, at: endedAt }, clock.now()))
      }
    },
  })
  void new Gauge({
    name: 'retention_oldest_message_timestamp_seconds',
    help: 'When the oldest message that is stored was sent, held ones apart.',
    registers: [metrics],
    async collect() {
      const oldest = await using.oldestMessage.createdAt()
      this.remove()
      if (oldest) this.set(oldest.getTime() / 1_000)
    },
  })
  let reading: Promise<RunFigures | undefined> | undefined
  /** Read once for all that are collected together. */
  const figures = () => (reading ??= known(using.readFigures).finally(() => (reading = undefined)))

  void new Counter({
    name: 'retention_runs_total',
    help: 'Runs that have ended, by kind and result.',
    labelNames: ['kind', 'result'],
    registers: [metrics],
    async collect() {
      const { runs = [] } = (await figures()) ?? {}
      this.reset()
      for (const { kind, result, runs: count } of runs) this.inc({ kind, result }, count)
    },
  })
  void new Counter({
    name: 'retention_expired_total',
    help: 'What was deleted because it had expired, by store and thing.',
    labelNames: ['thing'],
    registers: [metrics],
    async collect() {
      const { expired = {} } = (await figures()) ?? {}
      this.reset()
      for (const [thing, count] of Object.entries(expired)) this.inc({ thing }, count)
    },
  })
  void new Gauge({
    name: 'retention_unconfirmed_decisions',
    help: 'Policies and holds that messaging is not known to go by.',
    registers: [metrics],
    async collect() {
      setIfKnown(this, (await figures())?.unconfirmed)
    },
  })
  void new Gauge({
    name: 'retention_findings',
    help: 'What the last verification found that should be gone.',
    registers: [metrics],
    async collect() {
      setIfKnown(this, (await figures())?.findings)
    },
  })
}

function setIfKnown(gauge: Gauge, value: number | undefined): void {
  gauge.remove()
  if (value !== undefined) gauge.set(value)
}

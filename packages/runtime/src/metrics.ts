import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** A registry of its own per process part, so that several services can run in one test process. */
export type Metrics = Registry

/** Metrics with the process's own figures (memory, processor, event-loop delay) already in. */
export function createMetrics(service: string): Metrics {
  const metrics = new Registry()
  metrics.setDefaultLabels({ service })
  collectDefaultMetrics({ register: metrics })
  return metrics
}

/** A figure that is read whenever metrics are asked for. One that cannot be read then is left out. */
export function measure(metrics: Metrics, name: string, help: string, read: () => Promise<number>): void {
  measureEach(metrics, name, help, { read: async () => ({ '': await read() }) })
}

/** The same of several, each by its value of a label. A total, as its name says, is counted and not measured elsewhere. */
export function measureEach(
  metrics: Metrics,
  name: string,
  help: string,
  { label, read }: { label?: string; read: () => Promise<Readonly<Record<string, number>>> },
): void {
  const labelNames = label === undefined ? [] : [label]
  const labelsOf = (value: string) => (label === undefined ? {} : { [label]: value })
  const collect = async (
    metric: { reset(): void; remove(...values: string[]): void },
    set: (labels: Record<string, string>, figure: number) => void,
  ) => {
    metric.reset()
    const figures = await read().catch(() => undefined)
    if (figures === undefined) return metric.remove()
    for (const [value, figure] of Object.entries(figures)) set(labelsOf(value), figure)
  }
  const common = { name, help, labelNames, registers: [] }
  metrics.registerMetric(
    name.endsWith('_total')
      ? new Counter({
          ...common,
          collect() {
            return collect(this, (labels, figure) => this.inc(labels, figure))
          },
        })
      : new Gauge({
          ...common,
          collect() {
            return collect(this, (labels, figure) => this.set(labels, figure))
          },
        }),
  )
}

/** Counts from the start of the process on; with labels, each combination of their values for itself. */
export function count(
  metrics: Metrics,
  name: string,
  help: string,
  ...labelNames: string[]
): (...values: string[]) => void {
  const counter = new Counter({ name, help, labelNames, registers: [metrics] })
  return (...values) => counter.labels(...values).inc()
}

/** How long something takes, by a label: from a millisecond to half a minute. */
export function time(
  metrics: Metrics,
  name: string,
  help: string,
  label: string,
): (value: string, seconds: number) => void {
  const buckets = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]
  const histogram = new Histogram({ name, help, labelNames: [label], buckets, registers: [metrics] })
  return (value, seconds) => histogram.observe({ [label]: value }, seconds)
}

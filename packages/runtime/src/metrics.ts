import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'

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
  metrics.registerMetric(
    new Gauge({
      name,
      help,
      registers: [],
      async collect() {
        this.reset()
        const value = await read().catch(() => undefined)
        if (value === undefined) this.remove()
        else this.set(value)
      },
    }),
  )
}

/** Counts from the start of the process on; with a label, each of its values for itself. */
export function count(metrics: Metrics, name: string, help: string, label?: string): (value?: string) => void {
  const labelNames = label === undefined ? [] : [label]
  const counter = new Counter({ name, help, labelNames, registers: [metrics] })
  return (value) => {
    if (label === undefined) counter.inc()
    else counter.inc({ [label]: value ?? '' })
  }
}

import { collectDefaultMetrics, Registry } from 'prom-client'

/** A registry of its own per process part, so that several services can run in one test process. */
export type Metrics = Registry

/** Metrics with the process's own figures (memory, processor, event-loop delay) already in. */
export function createMetrics(service: string): Metrics {
  const metrics = new Registry()
  metrics.setDefaultLabels({ service })
  collectDefaultMetrics({ register: metrics })
  return metrics
}

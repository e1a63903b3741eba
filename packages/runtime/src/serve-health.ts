import express from 'express'
import { createHealth, type HealthCheck } from './health.ts'
import { serveHttp, type HttpServer } from './http.ts'
import type { Metrics } from './metrics.ts'

/** The only HTTP that a service without pages of its own speaks: health and metrics. */
export function serveHealth(options: {
  host: string
  port: number
  checks: Record<string, HealthCheck>
  metrics: Metrics
}): Promise<HttpServer> {
  const app = express()
  app.disable('x-powered-by')
  app.use(createHealth(options).routes)
  return serveHttp(app, options)
}

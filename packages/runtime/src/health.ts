import { Router } from 'express'
import type { Metrics } from './metrics.ts'

/** Resolves while the thing it watches answers; rejects, with a reason, while it does not. */
export type HealthCheck = () => Promise<unknown>

const CHECK_TIMEOUT_MS = 2_000

export interface Health {
  /** `/health/live`, `/health/ready` and `/metrics`. */
  readonly routes: Router
  /**
   * From now on the process is unready: no new work should be sent to it. Each answer, also of routes that come after these,
   * ends the TCP connection by which it goes, so that its client opens the next one elsewhere.
   */
  startDraining(): void
}

/**
 * Live means that the loop turns: a dependency's outage must never make an orchestrator restart the process.
 * Ready means that every check answers and the process is not draining.
 */
export function createHealth(options: { checks: Record<string, HealthCheck>; metrics: Metrics }): Health {
  let draining = false
  const routes = Router()
  routes.use((_request, response, next) => {
    if (draining) response.set('connection', 'close')
    next()
  })
  routes.get('/health/live', (_request, response) => {
    response.json({ status: 'live' })
  })
  routes.get('/health/ready', async (_request, response) => {
    const results = await Promise.all(
      Object.entries(options.checks).map(async ([name, check]) => [name, await outcomeOf(check)] as const),
    )
    const ready = !draining && results.every(([, outcome]) => outcome === 'ok')
    response
      .status(ready ? 200 : 503)
      .json({ status: ready ? 'ready' : draining ? 'draining' : 'unready', checks: Object.fromEntries(results) })
  })
  routes.get('/metrics', async (_request, response) => {
    response.type(options.metrics.contentType).send(await options.metrics.metrics())
  })
  return { routes, startDraining: () => void (draining = true) }
}

async function outcomeOf(check: HealthCheck): Promise<string> {
  const { promise: timedOut, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS)
  try {
    await Promise.race([check(), timedOut])
    return 'ok'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    clearTimeout(timer)
  }
}

import type { ConnectionRegistry } from '@parley/routing'
import type { Logger } from '@parley/runtime'
import type { Counts } from '../metrics.ts'

/** Notices gateways that are gone, so that their users are looked at. */
export async function sweepGateways(
  registry: Pick<ConnectionRegistry, 'sweepDeadGateways'>,
  counts: Pick<Counts, 'gatewaySwept'>,
  log: Logger,
): Promise<void> {
  for (const gatewayId of await registry.sweepDeadGateways()) {
    counts.gatewaySwept()
    log.info({ gatewayId }, 'gateway is gone')
  }
}

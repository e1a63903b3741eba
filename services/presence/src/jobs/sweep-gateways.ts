import type { ConnectionRegistry } from '@parley/routing'
import type { Logger } from '@parley/runtime'

/** Notices gateways that are gone, so that their users are looked at. */
export async function sweepGateways(
  registry: Pick<ConnectionRegistry, 'sweepDeadGateways'>,
  log: Logger,
): Promise<void> {
  for (const gatewayId of await registry.sweepDeadGateways()) log.info({ gatewayId }, 'gateway is gone')
}

import type { ConnectionRegistry } from '@parley/routing'
import type { Logger } from '@parley/runtime'

/** Slowly takes gateways that are gone out of the topics nobody sends to. */
export async function forgetDeadInterest(
  registry: Pick<ConnectionRegistry, 'forgetDeadInterest'>,
  log: Logger,
): Promise<void> {
  const entries = await registry.forgetDeadInterest()
  if (entries > 0) log.info({ entries }, 'interest of dead gateways forgotten')
}

import { notify, type Bus } from '@parley/bus'
import { messaging, type BlockChange } from '@parley/contracts'
import type { Logger } from '@parley/runtime'

export type TellBlockChange = (change: BlockChange) => void

const encoder = new TextEncoder()

/** Tells all gateways. Those that do not hear it ask for what they have missed. */
export function createTellBlockChange({ bus, log }: { bus: Bus; log: Logger }): TellBlockChange {
  return (change) => {
    try {
      notify(bus, messaging.notices.relationsChanged, {}, encoder.encode(JSON.stringify(change)))
    } catch (error) {
      log.warn({ error }, 'gateways not told of a block yet')
    }
  }
}

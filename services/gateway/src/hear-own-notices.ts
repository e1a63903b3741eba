import { listen, type Bus } from '@parley/bus'
import type { Notice } from '@parley/contracts'
import type { GatewayRouting } from '@parley/routing'

/** Senders go on using a gateway's former id until they have heard of the new one. */
const KEEP_FORMER_ID_MS = 10_000

/** Hears what others have for this gateway, under its id and, for a while after that has changed, under the former one. */
export async function hearOwnNotices(options: {
  bus: Bus
  routing: Pick<GatewayRouting, 'gatewayId' | 'onNewIdentity'>
  notice: Notice
  hear: (data: Uint8Array, gatewayId: number) => void
}): Promise<AsyncDisposable> {
  const { bus, routing, notice, hear } = options
  const hearing = new Map<number, AsyncDisposable>()
  const forgetting = new Set<NodeJS.Timeout>()

  async function begin(gatewayId: number): Promise<void> {
    const parameters = { gatewayId: String(gatewayId) }
    hearing.set(gatewayId, await listen(bus, notice, parameters, (data) => hear(data, gatewayId)))
  }

  async function forget(gatewayId: number): Promise<void> {
    const subscription = hearing.get(gatewayId)
    hearing.delete(gatewayId)
    await subscription?.[Symbol.asyncDispose]()
  }

  function forgetLater(gatewayId: number): void {
    const timer = setTimeout(() => {
      forgetting.delete(timer)
      forget(gatewayId).catch((error: unknown) => bus.log.warn({ error, gatewayId }, 'former id still heard'))
    }, KEEP_FORMER_ID_MS)
    forgetting.add(timer)
  }

  // First, so that no new id is missed.
  routing.onNewIdentity(async (gatewayId) => {
    for (const formerId of hearing.keys()) forgetLater(formerId)
    await begin(gatewayId)
  })
  await begin(routing.gatewayId)
  return {
    async [Symbol.asyncDispose]() {
      for (const timer of forgetting) clearTimeout(timer)
      for (const gatewayId of hearing.keys()) await forget(gatewayId)
    },
  }
}

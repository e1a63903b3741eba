import { repeat } from '@parley/runtime'
import { silentLog } from '@parley/testing'
import { openGatewayRouting, openSenderRouting, type GatewayRouting, type SenderRouting } from '../src/index.ts'

type GatewayOptions = Partial<Parameters<typeof openGatewayRouting>[0]>
type SenderOptions = Partial<Parameters<typeof openSenderRouting>[0]>

/** Gateways and senders on one Redis, with announcements going from each gateway to each sender, as NATS would carry them. */
export interface Fleet extends AsyncDisposable {
  gateway(options?: GatewayOptions): Promise<GatewayRouting>
  sender(options?: SenderOptions): Promise<SenderRouting>
  /** From now on nobody hears of it. */
  silence(gateway: GatewayRouting): void
}

export function startFleet(url: string): Fleet {
  const stack = new AsyncDisposableStack()
  const gateways = new Set<GatewayRouting>()
  const senders = new Set<SenderRouting>()

  function announce(gateway: GatewayRouting): void {
    if (!gateways.has(gateway)) return
    for (const sender of senders) sender.hear(gateway.announcement)
  }

  stack.use(
    repeat('announce', { everyMs: 100, log: silentLog }, async () => {
      for (const gateway of gateways) announce(gateway)
    }),
  )
  return {
    async gateway(options) {
      const opened = await openGatewayRouting({
        url,
        log: silentLog,
        leaseMs: 5_000,
        renewMs: 200,
        removalDelayMs: 100,
        registrationJitterMs: 50,
        ...options,
      })
      const gateway = stack.use(opened)
      gateways.add(gateway)
      gateway.onChange(() => announce(gateway))
      announce(gateway)
      return gateway
    },
    async sender(options) {
      const sender = stack.use(
        await openSenderRouting({ url, log: silentLog, settlingMs: 0, silentAfterMs: 500, ...options }),
      )
      senders.add(sender)
      for (const gateway of gateways) announce(gateway)
      return sender
    },
    silence: (gateway) => void gateways.delete(gateway),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

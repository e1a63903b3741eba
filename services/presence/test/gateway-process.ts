/** A gateway as presence sees one, in a process of its own: leases, connections and announcements are real, clients are not. */
import { connectBus, notify } from '@parley/bus'
import { gateway } from '@parley/contracts'
import { openGatewayRouting, type ConnectionPlace } from '@parley/routing'
import { createLogger, repeat } from '@parley/runtime'
import { GRACE_MS, type GatewayCommand } from './test-gateway.ts'

const [natsUrl = '', redisUrl = ''] = process.argv.slice(2)
const log = createLogger({ service: 'gateway', level: 'silent' })
const stack = new AsyncDisposableStack()
const bus = stack.use(await connectBus({ url: natsUrl, service: 'gateway', log }))
const routing = stack.use(
  await openGatewayRouting({
    url: redisUrl,
    log,
    leaseMs: 3_000,
    renewMs: 500,
    registrationJitterMs: 50,
    graceMs: GRACE_MS,
    connectionsPerUser: 3,
  }),
)
const announcing = stack.use(
  repeat('announce', { everyMs: 100, log }, async () => {
    notify(bus, gateway.notices.announced, {}, new TextEncoder().encode(JSON.stringify(routing.announcement)))
  }),
)
routing.onChange(() => announcing.hurry())

process.on('message', (command: GatewayCommand) => void perform(command))
process.send?.({ done: 0 })

async function perform(command: GatewayCommand): Promise<void> {
  const { what, number } = command
  let beyond: readonly ConnectionPlace[] = []
  if (what === 'connect') beyond = (await routing.addConnection(command)).beyond
  else if (what === 'idle') await routing.setIdle(command.connectionId, command.userId, command.idle)
  else if (what === 'disconnect') await routing.removeConnection(command.connectionId, command.userId, command.how)
  else await stack.disposeAsync()
  process.send?.({ done: number, beyond }, () => {
    if (what === 'stop') process.disconnect?.()
  })
}

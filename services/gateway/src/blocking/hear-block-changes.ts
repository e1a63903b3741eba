import { listen, must, type Bus, type Callers } from '@parley/bus'
import { BlockChange, messaging, type ReplyOf } from '@parley/contracts'
import type { GatewayRouting } from '@parley/routing'
import { repeat, type Logger } from '@parley/runtime'

/** What was not heard is known after so long. */
const ASK_EVERY_MS = 30_000
const RETRY_MS = 1_000

/** Hears of every block that begins or ends, and asks for those that were told while nobody listened. Many are heard twice. */
export async function hearBlockChanges(options: {
  bus: Bus
  routing: Pick<GatewayRouting, 'onNewIdentity'>
  calls: Pick<Callers<typeof messaging>, 'listBlockChanges'>
  hear: (change: BlockChange) => void
  log: Logger
}): Promise<AsyncDisposable> {
  const { bus, routing, calls, hear, log } = options
  await using stack = new AsyncDisposableStack()
  stack.use(
    await listen(bus, messaging.notices.relationsChanged, {}, (data) =>
      hear(BlockChange.parse(JSON.parse(decoder.decode(data)))),
    ),
  )
  let askedAtMs = performance.now()
  const asking = stack.use(
    repeat('read-block-changes', { everyMs: ASK_EVERY_MS, retryMs: RETRY_MS, log }, async () => {
      const nowMs = performance.now()
      await readBlockChanges(calls, askedAtMs, hear)
      askedAtMs = nowMs
    }),
  )
  bus.onReconnect(() => asking.hurry())
  // What was heard while the process stood still may have been too much to be kept.
  routing.onNewIdentity(() => asking.hurry())
  const hearing = stack.move()
  return { [Symbol.asyncDispose]: () => hearing.disposeAsync() }
}

async function readBlockChanges(
  calls: Pick<Callers<typeof messaging>, 'listBlockChanges'>,
  sinceMs: number,
  hear: (change: BlockChange) => void,
): Promise<void> {
  type Page = ReplyOf<(typeof messaging)['calls']['listBlockChanges']>
  let after: Page['next'] = null
  do {
    // Each page looks back from its own moment.
    const withinMs = Math.ceil(performance.now() - sinceMs)
    const page: Page = must(await calls.listBlockChanges({ withinMs, ...(after === null ? {} : { after }) }))
    for (const change of page.changes) hear(change)
    after = page.next
  } while (after !== null)
}

const decoder = new TextDecoder()

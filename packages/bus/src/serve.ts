import { Refused, subjectOf, type Call, type Contract, type ReplyOf, type RequestOf } from '@parley/contracts'
import type { Msg } from 'nats'
import { BusError } from './bus-error.ts'
import type { Bus } from './bus.ts'
import { readContext, type CallContext } from './call-context.ts'
import { decodeAs, encodeJson, type WireReply } from './wire.ts'

/**
 * Answers one call. It may throw `refuse.<code>()` for the codes its contract declares; whatever else it throws is logged
 * and reaches the caller as `BusError('internal')`.
 */
export type Handler<C extends Call> = (request: RequestOf<C>, context: CallContext) => Promise<ReplyOf<C>>

export type Handlers<C extends Contract> = { readonly [Name in keyof C['calls']]: Handler<C['calls'][Name]> }

export interface ServeOptions {
  /** Which errors say that a store is away: callers get them as `BusError('unavailable')`, which is worth a retry. */
  readonly isUnavailable?: (error: unknown) => boolean
  /** What stands in the subjects of calls that mean one process. */
  readonly parameters?: Readonly<Record<string, string>>
  /** Calls that may be under way at once; beyond it callers get `BusError('overloaded')` at once. */
  readonly atOnce?: number
}

const AT_ONCE = 10_000

/**
 * Answers the calls of a contract; the instances of a service share them (queue group: the service's name). A request past
 * its deadline is dropped unworked. Disposing stops hearing, then waits for the answers under way.
 */
export async function serve<C extends Contract>(
  bus: Bus,
  contract: C,
  handlers: Partial<Handlers<C>>,
  options: ServeOptions = {},
): Promise<AsyncDisposable> {
  const running = new Set<Promise<void>>()
  const subscriptions = Object.entries<unknown>(handlers).map(([name, handler]) => {
    const declared = contract.calls[name] as Call
    return bus.nats.subscribe(subjectOf(declared, options.parameters), {
      queue: contract.service,
      callback: (error, message) => {
        if (error) {
          bus.log.error({ error, subject: declared.subject }, 'subscription failed')
          return
        }
        if (running.size >= (options.atOnce ?? AT_ONCE)) {
          message.respond(encodeJson({ error: 'overloaded' } satisfies WireReply))
          return
        }
        const answering = answer(bus, declared, handler as Handler<Call>, message, options)
        running.add(answering)
        void answering.finally(() => running.delete(answering))
      },
    })
  })
  await bus.nats.flush()
  return {
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(subscriptions.map((subscription) => subscription.drain()))
      await Promise.all(running)
    },
  }
}

async function answer(
  bus: Bus,
  declared: Call,
  handler: Handler<Call>,
  message: Msg,
  options: ServeOptions,
): Promise<void> {
  const context = readContext(message.headers, declared.timeoutMs)
  const reply = await replyOf(bus, declared, handler, message.data, context, options)
  // What can not be sent, such as a reply that is too large for NATS, must not leave the caller waiting.
  if (!respond(reply)) respond({ error: 'internal' })

  function respond(written: WireReply): boolean {
    try {
      message.respond(encodeJson(written))
      return true
    } catch (error) {
      bus.log.error({ error, subject: declared.subject, requestId: context.requestId }, 'reply could not be sent')
      return false
    }
  }
}

async function replyOf(
  bus: Bus,
  declared: Call,
  handler: Handler<Call>,
  data: Uint8Array,
  context: CallContext,
  { isUnavailable }: ServeOptions,
): Promise<WireReply> {
  if (context.remainingMs() <= 0) return { error: 'timeout' }
  try {
    const value = await handler(decodeAs(declared.request, data, declared.subject), context)
    return { value: declared.reply.parse(value) }
  } catch (error) {
    if (error instanceof Refused && declared.errors.includes(error.refusal.code)) return { refusal: error.refusal }
    bus.log.error({ error, subject: declared.subject, requestId: context.requestId }, 'call failed')
    // Of the calls made on the way, one that was late or not answered tells the whole story.
    if (error instanceof BusError) return { error: error.code }
    return { error: isUnavailable?.(error) === true ? 'unavailable' : 'internal' }
  }
}

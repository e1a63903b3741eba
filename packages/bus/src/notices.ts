import { subjectOf, type Notice } from '@parley/contracts'
import type { Bus } from './bus.ts'

/** Says it once to whoever hears now. May be lost; `flush` tells when NATS has it. */
export function notify(
  bus: Bus,
  declared: Notice,
  parameters: Readonly<Record<string, string>>,
  data: Uint8Array,
): void {
  bus.assertConnected()
  bus.nats.publish(subjectOf(declared, parameters), data)
}

/** Resolves when NATS has taken everything that was said before. */
export async function flush(bus: Bus): Promise<void> {
  await bus.whileConnected(() => bus.nats.flush())
}

/** Hears every notice of this subject from now on, in the order of each sender. A handler that throws is logged; the next notice comes. */
export async function listen(
  bus: Bus,
  declared: Notice,
  parameters: Readonly<Record<string, string>>,
  handler: (data: Uint8Array) => void,
): Promise<AsyncDisposable> {
  const subscription = bus.nats.subscribe(subjectOf(declared, parameters), {
    callback: (error, message) => {
      try {
        if (error) throw error
        handler(message.data)
      } catch (cause) {
        bus.log.error({ error: cause, subject: declared.subject }, 'notice could not be heard')
      }
    },
  })
  await bus.nats.flush()
  return {
    async [Symbol.asyncDispose]() {
      if (bus.nats.isClosed()) return
      // Draining waits for what NATS has sent before. When it is away, or goes away meanwhile, nothing more comes.
      await bus.whileConnected(() => subscription.drain()).catch(() => subscription.unsubscribe())
    },
  }
}

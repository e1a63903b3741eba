import { call, contract, event, notice } from '@parley/contracts'
import { z } from 'zod'

/** A contract for these tests alone. */
export const kitchen = contract({
  service: 'kitchen',
  calls: {
    cook: call({
      subject: 'kitchen.call.cook',
      request: z.object({ dish: z.string() }),
      reply: z.object({ dish: z.string(), cookedBy: z.string() }),
      errors: ['forbidden', 'file_too_large'],
      timeoutMs: 2_000,
    }),
    hurry: call({
      subject: 'kitchen.call.hurry',
      request: z.object({}),
      reply: z.object({ remainingMs: z.number(), requestId: z.string() }),
      errors: [],
      timeoutMs: 300,
    }),
    /** Means one cook. */
    callCook: call({
      subject: 'kitchen.call.call-cook.{cookId}',
      request: z.object({ cookId: z.string() }),
      reply: z.object({ answeredBy: z.string() }),
      errors: [],
      timeoutMs: 2_000,
    }),
    ask: call({
      subject: 'kitchen.call.ask',
      request: z.object({}),
      reply: z.object({ remainingMs: z.number(), requestId: z.string() }),
      errors: [],
      timeoutMs: 1_000,
    }),
  },
  events: {
    served: event({
      subject: 'kitchen.event.served.{table}',
      summary: 'Something is ready.',
      payload: z.object({ table: z.string(), dish: z.string() }),
    }),
  },
  notices: {
    bell: notice({ subject: 'kitchen.notice.bell.{table}' }),
  },
})

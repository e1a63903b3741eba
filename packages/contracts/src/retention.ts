import { z } from 'zod'
import { contract, event } from './contract.ts'

/** How long. */
export const retention = contract({
  service: 'retention',
  calls: {},
  events: {
    runFinished: event({
      subject: 'retention.event.run-finished',
      summary: 'A run of the work that retention does has ended.',
      payload: z.object({
        runId: z.uuid(),
        kind: z.enum(['create-months', 'drop-months']),
        result: z.enum(['done', 'busy', 'failed']),
        /** Names of the months made or dropped. */
        months: z.array(z.string()),
        startedAt: z.iso.datetime({ precision: 3 }),
        endedAt: z.iso.datetime({ precision: 3 }),
      }),
    }),
  },
  notices: {},
})

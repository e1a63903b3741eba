import { GetPresence, UserId } from '@parley/protocol'
import { z } from 'zod'
import { Actor } from './actor.ts'
import { call, contract, event } from './contract.ts'

const transition = z.object({
  userId: UserId,
  /** Rises with each transition of this user: drop what is not newer than what you have. */
  version: z.int().min(1),
  at: z.iso.datetime({ precision: 3 }),
})

/** Who is there. */
export const presence = contract({
  service: 'presence',
  calls: {
    getPresence: call({
      subject: 'presence.call.get-presence',
      request: z.object({ actor: Actor, ...GetPresence.input.shape }),
      reply: GetPresence.output,
      errors: [],
      timeoutMs: 2_000,
    }),
  },
  events: {
    userOnline: event({
      subject: 'presence.event.user-online.{userId}',
      summary: 'A user has come online.',
      payload: transition,
    }),
    userOffline: event({
      subject: 'presence.event.user-offline.{userId}',
      summary: 'A user has gone offline.',
      payload: transition,
    }),
  },
  notices: {},
})

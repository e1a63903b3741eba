import { GetPresence, GetStatus, PresenceState, SetStatus, UserId, VisibleTo } from '@parley/protocol'
import { z } from 'zod'
import { Actor } from './actor.ts'
import { call, contract, event, notice } from './contract.ts'
import { ErasePart, ExportPart, FindRemains } from './personal-data.ts'

const transition = z.object({
  userId: UserId,
  /** Rises with each change of this user: drop what is not newer than what you have. */
  version: z.int().min(1),
  at: z.iso.datetime({ precision: 3 }),
  /** Nobody is told that an invisible user is there: they are `offline`. */
  status: z.enum(['online', 'away', 'busy', 'offline']),
  /** In the user's own words. */
  text: z.string().nullable(),
})

/** A user as they are, for those who know whom to tell what of it. */
export const UserPresence = z.object({
  ...PresenceState.shape,
  /** Rises with each change of this user; 0 while the status is `unknown`. */
  version: z.int().min(0),
  visibleTo: VisibleTo,
})
export type UserPresence = z.infer<typeof UserPresence>

/** Changes of one instance, on their way to all gateways. */
export const PresenceNotice = z.object({
  /** New at every start of the instance. */
  senderId: z.string(),
  /** One higher with each notice of changes. A notice without changes repeats the last one. */
  number: z.int().min(0),
  /** Whether it can be told now of everybody whether they are offline. When it becomes true, states may have changed unsaid. */
  whole: z.boolean(),
  changes: z.array(UserPresence),
})
export type PresenceNotice = z.infer<typeof PresenceNotice>

/** Who is there. */
export const presence = contract({
  service: 'presence',
  calls: {
    /** For a gateway: it keeps from clients what is not theirs to know. */
    getPresence: call({
      subject: 'presence.call.get-presence',
      request: z.object({ ...GetPresence.input.shape }),
      reply: z.object({ states: z.array(UserPresence) }),
      errors: [],
      timeoutMs: 2_000,
    }),
    getStatus: call({
      subject: 'presence.call.get-status',
      request: z.object({ actor: Actor, ...GetStatus.input.shape }),
      reply: GetStatus.output,
      errors: GetStatus.errors,
      timeoutMs: 2_000,
    }),
    /** `away` is of a connection, which its gateway knows: here it changes nothing. */
    setStatus: call({
      subject: 'presence.call.set-status',
      request: z.object({ actor: Actor, ...SetStatus.input.shape }),
      reply: SetStatus.output,
      errors: [...SetStatus.errors, 'invalid_input'],
      timeoutMs: 2_000,
    }),
    /** For retention: status, last seen and events of the user go. */
    eraseUser: call({ subject: 'presence.call.erase-user', ...ErasePart, errors: ['unavailable'], timeoutMs: 15_000 }),
    exportUser: call({
      subject: 'presence.call.export-user',
      ...ExportPart,
      errors: ['unavailable'],
      timeoutMs: 5_000,
    }),
    findRemains: call({
      subject: 'presence.call.find-remains',
      ...FindRemains,
      errors: ['unavailable'],
      timeoutMs: 30_000,
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
      summary: 'A user has gone offline, or invisible.',
      payload: transition,
    }),
    statusChanged: event({
      subject: 'presence.event.status-changed.{userId}',
      summary: 'A user who is there shows another status or text.',
      payload: transition,
    }),
  },
  notices: {
    /** Every 250 ms while there are changes, and every second, to all gateways. JSON of `PresenceNotice`. */
    changed: notice({ subject: 'presence.notice.changed' }),
  },
})

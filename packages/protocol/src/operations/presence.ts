import { z } from 'zod'
import { Time, UserId } from '../ids.ts'
import { limits } from '../limits.ts'
import { PresenceState, Status, VisibleTo } from '../objects.ts'
import { operation } from '../operation.ts'
import { line } from '../text.ts'

const userIds = z.array(UserId).min(1).max(limits.presencePerRequest)

export const GetPresence = operation({
  summary:
    'How the named users are seen by the caller now. Of users with whom the caller shares no conversation, and of those who do not let the caller see it, the status is `unknown`.',
  hub: 'GetPresence',
  rest: 'GET /presence',
  input: z.strictObject({ userIds }),
  output: z.object({ states: z.array(PresenceState) }),
  errors: [],
})

export const WatchPresence = operation({
  summary:
    'Names users whose changes this connection wants to be told, besides those it watches already, and answers how they are seen now. It ends with the connection.',
  hub: 'WatchPresence',
  input: z.strictObject({ userIds }),
  output: z.object({ states: z.array(PresenceState) }),
  errors: ['too_many_watched'],
})

export const UnwatchPresence = operation({
  summary: 'Changes of these users are not told to this connection any more.',
  hub: 'UnwatchPresence',
  input: z.strictObject({ userIds }),
  output: z.object({}),
  errors: [],
})

export const GetStatus = operation({
  summary: 'What the caller has chosen to show of being there.',
  hub: 'GetStatus',
  rest: 'GET /me/status',
  input: z.strictObject({}),
  output: Status,
  errors: [],
})

export const SetStatus = operation({
  summary:
    'Changes what the caller shows of being there; what is not named stays. `busy` and `invisible` hold on all devices until the given time, or until changed; `online` ends them. `away` is of the device that says it, until something is done there: others see it when all devices are away. A new status without `until` holds until changed.',
  hub: 'SetStatus',
  rest: 'PATCH /me/status',
  input: z.strictObject({
    status: z.enum(['online', 'away', 'busy', 'invisible']).optional(),
    /** Null ends it. */
    text: line(limits.statusTextCharacters).nullable().optional(),
    /** When status and text end; in the future, within a year. Null: when they are changed. */
    until: Time.nullable().optional(),
    visibleTo: VisibleTo.optional(),
  }),
  output: Status,
  errors: [],
})

/**
 * A user's hash in Redis. A field per connection, `<connectionId>` -> `<gatewayId>|<a or i>|<since, ms>|<device>` (active or
 * idle), and of the user:
 *   #s  the state that was decided last    #v  its version
 *   #t  when it was decided, ms; there until it is announced
 *   #p  the state that was announced last, then `x` if the text is another since; with #t, and absent if that is not known
 *   #g  until when absence is forgiven, ms    #l  when the user was last seen, ms
 * and the status the user has chosen, of which Postgres is the record:
 *   #r  the run of Redis in which it came from there; without it, or with another one, it is not to be believed
 *   #w  its version, if there is one    #c  its state, unless online    #x  its text    #u  its end, ms
 *   #y  to whom it is visible, unless everyone    #n  `x` or `y`: what has changed since the last decision
 * A user is looked at again when due; whoever changes something makes them due in the same script, so nothing is forgotten.
 * All times are Redis's own.
 */
import { expandId } from './compact-id.ts'

/** In this order they are numbers in Redis. */
export const STATUSES = ['offline', 'online', 'away', 'busy', 'invisible'] as const
export const VISIBILITIES = ['everyone', 'contacts', 'nobody'] as const

export type StatusName = (typeof STATUSES)[number]
export type Visibility = (typeof VISIBILITIES)[number]

/** What a user has chosen to show of being there. */
export interface ChosenStatus {
  readonly status: 'online' | 'busy' | 'invisible'
  readonly text: string | null
  /** When status and text end; `visibleTo` stays. */
  readonly until: Date | null
  readonly visibleTo: Visibility
  /** Rises with each choice of the user. */
  readonly version: number
}

/** Of who has never chosen. */
export const DEFAULT_STATUS: ChosenStatus = {
  status: 'online',
  text: null,
  until: null,
  visibleTo: 'everyone',
  version: 0,
}

export interface UserConnection {
  readonly connectionId: string
  readonly gatewayId: number
  readonly idle: boolean
}

export interface UserHash {
  /** Of all gateways; some may be dead. */
  readonly connections: readonly UserConnection[]
  /** Undefined if nothing was decided yet. */
  readonly decided: StatusName | undefined
  readonly version: number
  readonly lastSeenAt: Date | null
  /** Undefined if it has to be read from Postgres. */
  readonly chosen: ChosenStatus | undefined
}

export function readUserHash(hash: Readonly<Record<string, string>>, run: number): UserHash {
  const lastSeenMs = hash['#l']
  return {
    connections: Object.entries(hash)
      .filter(([field]) => !field.startsWith('#'))
      .map(([field, value]) => {
        const [gatewayId, flag] = value.split('|')
        return { connectionId: expandId(field), gatewayId: Number(gatewayId), idle: flag === 'i' }
      }),
    decided: STATUSES[Number(hash['#s'])],
    version: Number(hash['#v'] ?? 0),
    lastSeenAt: lastSeenMs === undefined ? null : new Date(Number(lastSeenMs)),
    chosen: hash['#r'] === String(run) ? readChosen(hash) : undefined,
  }
}

function readChosen(hash: Readonly<Record<string, string>>): ChosenStatus {
  const untilMs = hash['#u']
  return {
    status: chosenOf(hash['#c']),
    text: hash['#x'] ?? null,
    until: untilMs === undefined ? null : new Date(Number(untilMs)),
    visibleTo: VISIBILITIES[Number(hash['#y'] ?? 0)] ?? 'nobody',
    version: Number(hash['#w'] ?? 0),
  }
}

function chosenOf(code: string | undefined): ChosenStatus['status'] {
  const status = STATUSES[Number(code ?? 1)]
  return status === 'busy' || status === 'invisible' ? status : 'online'
}

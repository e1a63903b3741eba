import { STATUSES, VISIBILITIES, type StatusName, type Visibility } from './user-hash.ts'

/** How a user is seen has changed. */
export interface Transition {
  readonly userId: string
  readonly status: StatusName
  readonly text: string | null
  /** Of who is `offline` or `invisible`, if it is known here. */
  readonly lastSeenAt: Date | null
  readonly visibleTo: Visibility
  /** Rises with each transition of the user. */
  readonly version: number
  readonly at: Date
  /** What was announced last. Not known after a loss of Redis, and when an announcement was not acknowledged. */
  readonly previous?: { readonly status: StatusName; readonly sameText: boolean }
  /** The claim under which it was found. */
  readonly claim: number
}

/** Whether others see that such a user is there. */
export const isShown = (status: StatusName): boolean => status !== 'offline' && status !== 'invisible'

/** What `SETTLE` has answered; undefined if there is nothing to announce. */
export function readTransition(
  { userId, claim }: { userId: string; claim: number },
  answer: readonly (string | number)[],
): Transition | undefined {
  const [state, version, at, text, lastSeen, visibleTo, previous] = answer.map(String)
  const status = STATUSES[Number(state)]
  if (status === undefined) return undefined
  const before = STATUSES[Number.parseInt(previous ?? '', 10)]
  return {
    userId,
    status,
    text: text || null,
    lastSeenAt: lastSeen && !isShown(status) ? new Date(Number(lastSeen)) : null,
    visibleTo: VISIBILITIES[Number(visibleTo)] ?? 'nobody',
    version: Number(version),
    at: new Date(Number(at)),
    ...(before === undefined ? {} : { previous: { status: before, sameText: !previous?.endsWith('x') } }),
    claim,
  }
}

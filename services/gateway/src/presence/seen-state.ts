import type { UserPresence } from '@parley/contracts'
import type { PresenceState } from '@parley/protocol'

/** What one user is to another: themselves; with a direct conversation; with any conversation in common; or nothing. */
export type Relation = 'self' | 'contact' | 'shared' | 'none'

type VisibleTo = UserPresence['visibleTo']

export interface Viewer {
  readonly relation: Relation
  /** To whom the viewer is visible: the time last seen is mutual. */
  readonly visibleTo: VisibleTo
}

/** A user as one viewer may see them. The same for who is invisible and for who is offline. */
export function seenState(subject: UserPresence, viewer: Viewer): PresenceState {
  const { userId, status, text, lastSeenAt } = subject
  const { relation } = viewer
  if (relation === 'self') return { userId, status, text, lastSeenAt }
  if (!shows(subject.visibleTo, relation)) return { userId, status: 'unknown', text: null, lastSeenAt: null }
  if (status !== 'offline' && status !== 'invisible') return { userId, status, text, lastSeenAt: null }
  return { userId, status: 'offline', text, lastSeenAt: shows(viewer.visibleTo, relation) ? lastSeenAt : null }
}

function shows(visibleTo: VisibleTo, relation: Relation): boolean {
  if (relation === 'none') return false
  return visibleTo === 'everyone' || (visibleTo === 'contacts' && relation === 'contact')
}

export const isSameState = (one: PresenceState, other: PresenceState): boolean =>
  one.status === other.status && one.text === other.text && one.lastSeenAt === other.lastSeenAt

/** A user of whom nothing is known. */
export const unknownUser = (userId: string): UserPresence => ({
  userId,
  status: 'unknown',
  text: null,
  lastSeenAt: null,
  version: 0,
  visibleTo: 'nobody',
})

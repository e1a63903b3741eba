import { recordOf, type EventRecord } from '@parley/bus'
import { presence } from '@parley/contracts'
import { isShown, type Transition } from '@parley/routing'

/** What other services are told; undefined if nothing they may see has changed. In doubt about what was said it is said again. */
export function eventOf(transition: Transition): EventRecord | undefined {
  const { userId, version, at, status, text, previous } = transition
  const { userOnline, userOffline, statusChanged } = presence.events
  const payload = { userId, version, at: at.toISOString(), text }
  const shown = isShown(status)
  if (previous === undefined || isShown(previous.status) !== shown) {
    const declared = shown ? userOnline : userOffline
    return recordOf(declared, { userId }, { ...payload, status: seenAs(status) })
  }
  if (!shown || (previous.status === status && previous.sameText)) return undefined
  return recordOf(statusChanged, { userId }, { ...payload, status: seenAs(status) })
}

const seenAs = (status: Transition['status']) => (status === 'invisible' ? 'offline' : status)

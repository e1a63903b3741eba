import { callerOf, type Bus, type Callers } from '@parley/bus'
import { auth, media, messaging, presence, retention } from '@parley/contracts'

/** The calls of those who answer. */
export interface Calls {
  readonly auth: Callers<typeof auth>
  readonly messaging: Callers<typeof messaging>
  readonly presence: Callers<typeof presence>
  readonly media: Callers<typeof media>
  readonly retention: Callers<typeof retention>
}

export const callsOver = (bus: Bus): Calls => ({
  auth: callerOf(bus, auth),
  messaging: callerOf(bus, messaging),
  presence: callerOf(bus, presence),
  media: callerOf(bus, media),
  retention: callerOf(bus, retention),
})

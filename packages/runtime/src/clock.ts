/** The time of day, passed in so that tests can move it. Durations are measured with `performance.now()`, never with this. */
export interface Clock {
  now(): Date
}

export const systemClock: Clock = { now: () => new Date() }

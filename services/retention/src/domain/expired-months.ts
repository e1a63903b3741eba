const DAY_MS = 24 * 60 * 60 * 1000

/**
 * A message stands in the month of its id, and ids up to a day old are accepted: a month's last message may have come, and
 * so expires, a day after its end. The other day is for clocks that differ.
 */
const GRACE_DAYS = 2

/** Everything in months that ended at or before this moment, which is the start of a month in UTC, has expired. */
export function expiredMonthsEnd(now: Date, retentionDays: number): Date {
  const expired = new Date(now.getTime() - (retentionDays + GRACE_DAYS) * DAY_MS)
  return new Date(Date.UTC(expired.getUTCFullYear(), expired.getUTCMonth()))
}

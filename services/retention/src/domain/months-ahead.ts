/**
 * How many months after the one of `now` exist without a gap, by the names of their tables, which end in `yyyy_mm`.
 * -1 when not even the present one does.
 */
export function countMonthsAhead(names: readonly string[], now: Date): number {
  const present = new Set(names.map(monthNamed))
  let month = monthOf(now)
  while (present.has(month)) month += 1
  return month - monthOf(now) - 1
}

/** What is left now of the months that were ahead then. */
export function monthsStillAhead(counted: { ahead: number; at: Date }, now: Date): number {
  return counted.ahead - (monthOf(now) - monthOf(counted.at))
}

/** Rejects what the last runs tell when a month may soon be missing, in which messages would find no place. */
export function checkMonthsAhead(
  lastDone: readonly { readonly monthsAhead: number | null; readonly endedAt: Date }[],
  now: Date,
): void {
  const counted = lastDone.find(({ monthsAhead }) => monthsAhead !== null)
  if (counted === undefined) throw new Error('no months were made yet')
  const ahead = monthsStillAhead({ ahead: counted.monthsAhead!, at: counted.endedAt }, now)
  if (ahead < 1) throw new Error(`${ahead} months ahead`)
}

/** Months since year 0, in UTC. */
const monthOf = (time: Date): number => time.getUTCFullYear() * 12 + time.getUTCMonth()

function monthNamed(name: string): number | undefined {
  const [, year, month] = /(\d{4})_(\d{2})$/.exec(name) ?? []
  return year === undefined ? undefined : Number(year) * 12 + Number(month) - 1
}

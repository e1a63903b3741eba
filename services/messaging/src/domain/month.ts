/** A month in UTC: one partition of everything that comes and goes with messages. */
export interface Month {
  /** With which its tables' names end: `2026_11`. */
  readonly name: string
  readonly startsAt: Date
  /** Where the next one starts. */
  readonly endsAt: Date
}

/** The months from the last to `ahead` months from now. */
export function monthsAround(now: Date, ahead: number): Month[] {
  const monthsFromNow = Array.from({ length: ahead + 2 }, (_, index) => index - 1)
  return monthsFromNow.map((offset) => monthStarting(now.getUTCFullYear(), now.getUTCMonth() + offset))
}

/** Undefined for whatever is not the name of a month. */
export function monthNamed(name: string): Month | undefined {
  const [, year, month] = /^(\d{4})_(0[1-9]|1[0-2])$/.exec(name) ?? []
  return year === undefined || month === undefined ? undefined : monthStarting(Number(year), Number(month) - 1)
}

/** The lowest UUID whose first 48 bits, where a UUIDv7 has its time, say this moment: bounds of months are such. */
export function lowestIdAt(moment: Date): string {
  const time = moment.getTime().toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`
}

function monthStarting(year: number, month: number): Month {
  const startsAt = new Date(Date.UTC(year, month))
  const name = startsAt.toISOString().slice(0, 7).replace('-', '_')
  return { name, startsAt, endsAt: new Date(Date.UTC(year, month + 1)) }
}

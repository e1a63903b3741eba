/** Numbers as ascending ranges, both ends included, that do not touch. */
export type Ranges = readonly (readonly [first: number, last: number])[]

export function withNumber(ranges: Ranges, number: number): Ranges {
  if (ranges.some(([first, last]) => first <= number && number <= last)) return ranges
  const below = ranges.filter(([, last]) => last < number - 1)
  const above = ranges.filter(([first]) => first > number + 1)
  const touching = ranges.filter(([first, last]) => last === number - 1 || first === number + 1)
  const merged = [touching[0]?.[0] ?? number, touching.at(-1)?.[1] ?? number] as const
  return [...below, [Math.min(merged[0], number), Math.max(merged[1], number)], ...above]
}

/** Goes from `number` on while the next one is there; what is passed is left out. */
export function passed(number: number, ranges: Ranges): { reached: number; rest: Ranges } {
  let reached = number
  for (const [first, last] of ranges) {
    if (first > reached + 1) break
    reached = Math.max(reached, last)
  }
  return { reached, rest: ranges.filter(([first]) => first > reached) }
}

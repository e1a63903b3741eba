import { z } from 'zod'
import { defaultLimits, DEVELOPMENT_FACTOR, type Limit, type LimitName, type LimitTable } from './limit-table.ts'

const GivenLimit = z
  .strictObject({
    points: z.int().min(1).max(1_000_000_000),
    seconds: z
      .int()
      .min(1)
      .max(7 * 24 * 60 * 60),
  })
  .nullable()

const Given = z
  .strictObject(
    Object.fromEntries(
      Object.entries(defaultLimits).map(([name, by]) => [
        name,
        z.strictObject(Object.fromEntries(Object.keys(by).map((one) => [one, GivenLimit.optional()]))).nullish(),
      ]),
    ),
  )
  .nullable()

type Given = z.output<typeof Given>

/** `GATEWAY_LIMITS`: JSON that names what differs from the defaults. Null switches off: one limit, all of a name, or all there are. */
export const GivenLimits = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text)
    } catch {
      context.addIssue('not JSON')
      return z.NEVER
    }
  })
  .pipe(Given)

/** The limits in force: those given, and the defaults for the rest, which are far higher in development. */
export function limitsInForce(given: Given | undefined, { development }: { development: boolean }): LimitTable {
  const factor = development ? DEVELOPMENT_FACTOR : 1
  const tables = Object.entries(defaultLimits).map(([name, by]) => {
    const ofName = given === null ? null : given?.[name]
    const limits = Object.entries<Limit>(by).map(([one, { points, seconds }]) => {
      const limit = ofName === null ? null : ofName?.[one]
      return [one, limit === undefined ? { points: points * factor, seconds } : limit]
    })
    return [name as LimitName, Object.fromEntries(limits)]
  })
  return Object.fromEntries(tables) as LimitTable
}

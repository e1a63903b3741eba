/** Where something is to go on that is done in steps: which of them, and after what in it. */
export interface Place<Step extends string> {
  readonly step: Step
  readonly after: string | null
}

export const cursorOf = <Step extends string>({ step, after }: Place<Step>): string =>
  after === null ? step : `${step}:${after}`

/** The first step, where there is no cursor or none of ours. */
export function placeOf<Step extends string>(cursor: string | null, steps: readonly [Step, ...Step[]]): Place<Step> {
  const [, name, after] = /^(\w+)(?::(.+))?$/s.exec(cursor ?? '') ?? []
  const step = steps.find((one) => one === name)
  return step === undefined ? { step: steps[0], after: null } : { step, after: after ?? null }
}

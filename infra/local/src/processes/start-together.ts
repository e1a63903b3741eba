type Started<Starts> = { -readonly [Name in keyof Starts]: Awaited<Starts[Name]> }

/**
 * Waits for things that are being started at the same time. If one cannot start, those that could are undone before its
 * reason is thrown.
 */
export async function startTogether<const Starts extends readonly Promise<AsyncDisposable | null>[]>(
  starts: Starts,
): Promise<Started<Starts>> {
  const outcomes = await Promise.allSettled(starts)
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected')
  if (failed.length === 0) return Promise.all(starts) as Promise<Started<Starts>>
  await Promise.all(
    outcomes.map(async (outcome) => outcome.status === 'fulfilled' && outcome.value?.[Symbol.asyncDispose]()),
  )
  throw failed.length === 1 ? failed[0]?.reason : new AggregateError(failed.map(({ reason }) => reason as unknown))
}

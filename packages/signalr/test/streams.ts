import type { IStreamResult } from '@microsoft/signalr'

/** Reads a stream of the official client to its end, which may be an error. */
export function collect(stream: IStreamResult<unknown>) {
  const items: unknown[] = []
  const ended = Promise.withResolvers<void>()
  ended.promise.catch(() => {})
  const subscription = stream.subscribe({
    next: (item) => void items.push(item),
    complete: ended.resolve,
    error: ended.reject,
  })
  return { items, ended: ended.promise, cancel: () => subscription.dispose() }
}

export async function readAll(upload: AsyncIterable<unknown> | undefined): Promise<unknown[]> {
  const items: unknown[] = []
  for await (const item of upload!) items.push(item)
  return items
}

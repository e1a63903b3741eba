import type { OutputOf, ReserveUpload } from '@parley/protocol'

type Form = NonNullable<OutputOf<typeof ReserveUpload>['form']>
type Parts = NonNullable<OutputOf<typeof ReserveUpload>['parts']>

/** Parts on their way at the same time. */
const PARTS_AT_ONCE = 3

/** Rejects when the network fails. What the object store refuses is found when the upload is completed. */
export async function postForm({ url, fields }: Form, file: Blob, signal: AbortSignal): Promise<void> {
  const body = new FormData()
  for (const [name, value] of Object.entries(fields)) body.set(name, value)
  body.set('file', file)
  await assertTaken(await fetch(url, { method: 'POST', body, signal }))
}

/** Each part by itself, again and again if need be: `persist` says how long. */
export async function putParts(
  { urls, partBytes }: Parts,
  file: Blob,
  persist: (put: () => Promise<void>) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const left = urls.entries()
  const putSome = async () => {
    for (const [index, url] of left) {
      const body = file.slice(index * partBytes, (index + 1) * partBytes)
      await persist(async () => assertTaken(await fetch(url, { method: 'PUT', body, signal })))
    }
  }
  await Promise.all(Array.from({ length: PARTS_AT_ONCE }, putSome))
}

/** What the store refuses, because the form has expired or was used up, it refuses again. */
async function assertTaken(response: Response): Promise<void> {
  await response.arrayBuffer()
  if (response.status >= 500 || response.status === 429) throw new Error(`the object store answered ${response.status}`)
}

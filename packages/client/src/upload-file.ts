import type { OutputOf, ReserveUpload, Upload } from '@parley/protocol'
import { currentToken, type AccessToken } from './access-token.ts'
import { Backoff } from './backoff.ts'
import { isDefinite } from './is-definite.ts'
import { pause } from './pause.ts'
import { postForm, putParts } from './post-file.ts'
import { RefusedError } from './refused-error.ts'
import { openRest, type Rest } from './rest.ts'

export interface FileToUpload {
  /** Where it is to be sent. */
  readonly conversationId: string
  readonly file: Blob
  /** As others see it. That of a `File` unless given. */
  readonly name?: string
  /** The media type. That of the file unless given. */
  readonly type?: string
  /** Gives up. */
  readonly signal?: AbortSignal
}

/** How often a file that did not arrive is sent from the beginning. */
const MOST_ATTEMPTS = 3

/**
 * Resolves with the upload when it is ready to be sent, however often the network fails on the way. Rejects with a `RefusedError`
 * when the server will not have the file, such as `file_too_large` or `upload_rejected`, and when `signal` is given.
 */
export async function uploadFile(
  options: { readonly url: string; readonly accessToken: AccessToken },
  { conversationId, file, signal = new AbortController().signal, ...given }: FileToUpload,
): Promise<Upload> {
  const name = given.name ?? (file instanceof File ? file.name : 'file')
  const wanted = { conversationId, name, type: given.type ?? file.type, size: file.size }
  const ask = <Answer>(perform: (rest: Rest) => Promise<Answer>) =>
    untilDefinite(signal, async () => {
      const rest = openRest({ url: options.url, accessToken: await currentToken(options.accessToken) })
      return perform(rest)
    })
  for (let attempt = 1; ; attempt += 1) {
    const reserved = await ask((rest) => rest.perform('ReserveUpload', wanted))
    await send(reserved, file, signal)
    try {
      return await completed(ask, reserved.upload.id)
    } catch (error) {
      const isLost = error instanceof RefusedError && error.code === 'upload_not_received'
      if (!isLost || attempt === MOST_ATTEMPTS) throw error
    }
  }
}

async function send({ form, parts }: OutputOf<typeof ReserveUpload>, file: Blob, signal: AbortSignal): Promise<void> {
  if (form !== null) await untilDefinite(signal, () => postForm(form, file, signal))
  if (parts !== null) await putParts(parts, file, (put) => untilDefinite(signal, put), signal)
}

/** Asked again while it is being checked: the server answers when it knows more. */
async function completed(
  ask: <Answer>(perform: (rest: Rest) => Promise<Answer>) => Promise<Answer>,
  id: string,
): Promise<Upload> {
  for (;;) {
    const upload = await ask((rest) => rest.perform('CompleteUpload', { id }))
    if (upload.state === 'ready') return upload
  }
}

async function untilDefinite<Answer>(signal: AbortSignal, attempt: () => Promise<Answer>): Promise<Answer> {
  const backoff = new Backoff()
  for (;;) {
    signal.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      signal.throwIfAborted()
      if (isDefinite(error)) throw error
    }
    await pause(backoff.nextMs(), signal)
  }
}

import type { CustomFetch } from 'openid-client'
import { UpstreamError } from './upstream-error.ts'

/** Many times what the largest known providers say of themselves or of their keys. */
const MAX_BODY_BYTES = 256 * 1024

/**
 * Asks an upstream: the whole answer in time, or none; of bounded size; no redirect is followed. That it cannot answer now is
 * `unavailable`. `deadline` ends all requests that belong together, besides the time that each has.
 */
export const boundedFetch =
  (deadline?: AbortSignal): CustomFetch =>
  async (url, { signal, body, ...options }) => {
    const signals = [signal, deadline].filter((one) => one !== undefined)
    const request: RequestInit = { ...options, redirect: 'manual', signal: AbortSignal.any(signals) }
    if (body !== undefined && body !== null) request.body = body
    const { response, bytes } = await whole(url, request)
    if (response.status >= 500 || response.status === 429)
      throw new UpstreamError('unavailable', `${hostOf(url)} answered with status ${response.status}`)
    const { status, headers } = response
    return new Response(NO_BODY.has(status) ? null : bytes, { status, headers })
  }

async function whole(url: string, request: RequestInit): Promise<{ response: Response; bytes: Blob }> {
  try {
    const response = await fetch(url, request)
    const chunks: Uint8Array<ArrayBuffer>[] = []
    let size = 0
    // Leaving the loop cancels what is still to come.
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength
      if (size > MAX_BODY_BYTES) throw new UpstreamError('failed', `the answer of ${hostOf(url)} is too large`)
      chunks.push(chunk)
    }
    return { response, bytes: new Blob(chunks) }
  } catch (error) {
    if (error instanceof UpstreamError) throw error
    throw new UpstreamError('unavailable', `${hostOf(url)} did not answer: ${reasonOf(error)}`, { cause: error })
  }
}

/** Statuses whose answers must not have a body. */
const NO_BODY = new Set([204, 205, 304])

const hostOf = (url: string): string => new URL(url).host

/** `fetch` itself only says that it failed; why is the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return error.cause instanceof Error ? error.cause.message : error.message
}

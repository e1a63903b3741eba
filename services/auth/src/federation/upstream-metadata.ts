import { allowInsecureRequests, customFetch, discovery, type ServerMetadata } from 'openid-client'
import type { Upstream } from '../domain/upstream.ts'
import { boundedFetch } from './bounded-fetch.ts'
import { orUpstreamError, UpstreamError } from './upstream-error.ts'

/** What an upstream says of itself counts for so long. Where it cannot be asked again, the last good answer goes on counting. */
const FRESH_MS = 10 * 60_000

/**
 * Where an upstream's endpoints are: asked when first needed, never at the start, so that one that is away keeps nobody else
 * from signing in. What fails is asked again by the next sign-in.
 */
export function upstreamMetadata(upstream: Upstream, timeoutMs: number): () => Promise<ServerMetadata> {
  let known: { metadata: ServerMetadata; readAtMs: number } | undefined
  let reading: Promise<ServerMetadata> | undefined

  async function read(): Promise<ServerMetadata> {
    const metadata = await orUpstreamError(() => discover(upstream, timeoutMs))
    known = { metadata, readAtMs: performance.now() }
    return metadata
  }

  return async () => {
    if (known !== undefined && performance.now() - known.readAtMs < FRESH_MS) return known.metadata
    reading ??= read().finally(() => {
      reading = undefined
    })
    try {
      return await reading
    } catch (error) {
      if (known === undefined) throw error
      return known.metadata
    }
  }
}

async function discover(upstream: Upstream, timeoutMs: number): Promise<ServerMetadata> {
  const issuer = new URL(upstream.issuer)
  const config = await discovery(issuer, upstream.client_id, undefined, undefined, {
    [customFetch]: boundedFetch(),
    timeout: timeoutMs / 1_000,
    execute: issuer.protocol === 'http:' ? [allowInsecureRequests] : [],
  })
  const metadata = config.serverMetadata()
  // The library lets some providers speak for many issuers. Here an issuer is one.
  if (new URL(metadata.issuer).href !== issuer.href)
    throw new UpstreamError('failed', `it calls itself ${metadata.issuer}, not ${upstream.issuer}`)
  return metadata
}

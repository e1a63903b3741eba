import type { Findings, RejectedReason } from '@parley/protocol'
import type { ThumbnailSize } from '../domain/object-keys.ts'

/** What is looked at: the content behind a link that gives this content or none, and answers ranges. */
export interface Inspected {
  readonly link: { readonly url: string; readonly headers: Readonly<Record<string, string>> }
  /** As declared. */
  readonly type: string
  /** Bytes. */
  readonly size: number
  /** An avatar becomes a square WebP. */
  readonly isAvatar: boolean
}

export type Inspection =
  | { readonly verdict: RejectedReason }
  | {
      readonly verdict: 'fine'
      readonly findings: Findings
      /** What stands in its place, without metadata and whatever else was in the file; null: it stays as it is. */
      readonly rewritten: Uint8Array | null
      /** WebP. Of images only. */
      readonly thumbnails: Readonly<Record<ThumbnailSize, Uint8Array>> | null
    }

/** Looks into files, in processes of its own, so that nothing in them can stop the service. */
export interface Inspector extends AsyncDisposable {
  /** How many it looks at at the same time; more wait. */
  readonly atOnce: number
  /** Rejects when the link does not answer: that is no verdict. */
  inspect(file: Inspected, signal: AbortSignal): Promise<Inspection>
}

/** Looks for malware. */
export interface Scanner extends AsyncDisposable {
  /** Rejects when it cannot be told: that is no verdict. */
  scan(content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<'clean' | 'infected' | 'too_large_to_scan'>
  /** Resolves when it answers. A health check. */
  check(): Promise<void>
}

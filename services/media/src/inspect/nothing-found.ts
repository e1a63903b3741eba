import type { Findings } from '@parley/protocol'

export const NOTHING_FOUND: Findings = { width: null, height: null, blurhash: null, durationMs: null, pages: null }

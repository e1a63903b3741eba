import type { Capabilities } from '@parley/protocol'

/** What a conversation offers. Said in each conversation object, so that what is off is not silently missing. */
export const capabilities: Capabilities = { typing: false, receipts: 'none', presence: true }

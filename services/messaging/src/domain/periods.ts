import type { RetentionRules } from '@parley/contracts'
import type { ConversationKind } from '@parley/protocol'

const DAY_MS = 24 * 60 * 60 * 1_000

/** What a conversation's periods depend on. */
export interface Kept {
  readonly kind: ConversationKind
  /** Of its own; null: as the rules say. */
  readonly messageDays: number | null
  readonly fileDays: number | null
}

/** For how many days of 24 hours a conversation keeps messages and their files: the conversation's, the kind's, the default. */
export function periodsOf(rules: RetentionRules, { kind, messageDays, fileDays }: Kept) {
  const messages = messageDays ?? rules[kind].messageDays ?? rules.default.messageDays
  const files = fileDays ?? rules[kind].fileDays ?? rules.default.fileDays ?? messages
  return { messageDays: messages, fileDays: Math.min(files, messages) }
}

/** What was created at this moment or before it has expired. */
export const expiredAt = (now: Date, days: number): Date => new Date(now.getTime() - days * DAY_MS)

/** Before `retention` has said anything. */
export const firstRules: RetentionRules = {
  revision: 0,
  default: { messageDays: 365, fileDays: null },
  direct: { messageDays: null, fileDays: null },
  group: { messageDays: null, fileDays: null },
  channel: { messageDays: null, fileDays: null },
}

/** The first sequence that a member may see, apart from what has expired since this was last told. */
export const visibleFrom = (
  { visibleFromSequence }: { readonly visibleFromSequence: number },
  { firstKeptSequence }: { readonly firstKeptSequence: number },
): number => Math.max(visibleFromSequence, firstKeptSequence)

import type { RetentionRules } from '@parley/contracts'
import type { ConversationKind } from '@parley/protocol'
import { expiredAt, periodsOf, type Kept } from './periods.ts'

/** Other periods for one conversation, for a kind, or with neither for all that nothing else is for. */
export interface PolicyChange {
  readonly conversationId: string | null
  readonly kind: ConversationKind | null
  readonly messageDays: number | null
  readonly fileDays: number | null
}

/** The kinds of conversations without days of their own in which something changes. */
export function kindsChangedBy(rules: RetentionRules, { kind }: PolicyChange): ConversationKind[] {
  if (kind !== null) return [kind]
  const kinds = ['direct', 'group', 'channel'] as const
  return kinds.filter((one) => rules[one].messageDays === null || rules[one].fileDays === null)
}

/** Since when messages and files of a conversation would be kept. */
export function keptSinceWith(
  rules: RetentionRules,
  change: PolicyChange,
  conversation: Kept,
  now: Date,
): { messages: Date; files: Date } {
  const { messageDays, fileDays } = change
  const periods = { messageDays, fileDays }
  const changed =
    change.conversationId !== null
      ? periodsOf(rules, { ...conversation, ...periods })
      : periodsOf({ ...rules, ...ruleOf(rules, change) }, conversation)
  return { messages: expiredAt(now, changed.messageDays), files: expiredAt(now, changed.fileDays) }
}

/** The default cannot be without days for messages: then it stays as it is. */
function ruleOf(rules: RetentionRules, { kind, messageDays, fileDays }: PolicyChange): Partial<RetentionRules> {
  if (kind !== null) return { [kind]: { messageDays, fileDays } }
  return { default: { messageDays: messageDays ?? rules.default.messageDays, fileDays } }
}

import type { CallContext, Callers } from '@parley/bus'
import { refuse, Refused, type messaging } from '@parley/contracts'
import type { InputOf, PolicyEffect, PreviewRetentionPolicy } from '@parley/protocol'
import type { PolicyScope } from '../store/policies.ts'

export type Previewing = Pick<Callers<typeof messaging>, 'previewRetention'>

/** A policy as it is asked for. */
export interface AskedPolicy extends PolicyScope {
  readonly messageDays: number | null
  readonly fileDays: number | null
}

/** What is asked for, or a refusal of what makes no sense. */
export function askedPolicy(asked: InputOf<typeof PreviewRetentionPolicy>): AskedPolicy {
  const { conversationId = null, kind = null, messageDays, fileDays } = asked
  if (conversationId !== null && kind !== null) {
    throw refuse.invalid_input({}, 'kind: not together with conversationId.')
  }
  if (conversationId === null && kind === null && messageDays === null) {
    throw refuse.invalid_input({}, 'messageDays: the default cannot be without.')
  }
  if (messageDays !== null && fileDays !== null && fileDays > messageDays) {
    throw refuse.invalid_input({}, 'fileDays: files do not outlive their message.')
  }
  return { conversationId, kind, messageDays, fileDays }
}

/** A dry run. */
export async function preview(
  messaging: Previewing,
  { conversationId, kind, messageDays, fileDays }: AskedPolicy,
  within: CallContext,
): Promise<PolicyEffect> {
  const answer = await messaging.previewRetention({ conversationId, kind, messageDays, fileDays }, within)
  if (!answer.ok) throw new Refused(answer.refusal)
  return answer.value
}

/** Whether so much would expire that somebody must have seen the numbers. What was not counted whole may be anything. */
export const isMuch = ({ messages, files, isComplete }: PolicyEffect, confirmAbove: number): boolean =>
  messages > confirmAbove || files > confirmAbove || !isComplete

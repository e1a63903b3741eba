import { limits } from '@parley/protocol'
import { DEFAULT_PAGE_SIZE } from './page.ts'

/** How a client that was away gets on in one conversation. */
export type CatchUp =
  /** It has all durable changes, and may lack receipts or what its own user did on another device. */
  | { readonly by: 'receipts' }
  | { readonly by: 'changes'; readonly after: number }
  /** With the newest messages and the first members. Who knew the conversation must `forget` what they have. */
  | { readonly by: 'newest'; readonly forget: boolean }

export const NEWEST_MESSAGES = DEFAULT_PAGE_SIZE
export const FIRST_MEMBERS = 100

/** Receipts are small, and looked up together. */
const RECEIPTS_LIKE_ONE_MESSAGE = 10

interface Known {
  /** The version that the client names; null when it does not name the conversation. */
  readonly namedVersion: number | null
  readonly version: number
  readonly joinedVersion: number
}

export function catchUpOf({ namedVersion, version, joinedVersion }: Known): CatchUp {
  if (namedVersion === null) return { by: 'newest', forget: false }
  // From before one's own joining, from another database, or too much to tell.
  if (namedVersion < joinedVersion || namedVersion > version || version - namedVersion > limits.changesPerSync) {
    return { by: 'newest', forget: true }
  }
  return namedVersion === version ? { by: 'receipts' } : { by: 'changes', after: namedVersion }
}

/** About how much there is to read, in messages. */
export function weightOf(
  conversation: Known & { readonly receiptsRaised: boolean; readonly memberCount: number },
): number {
  const catchUp = catchUpOf(conversation)
  const receipts = conversation.receiptsRaised ? conversation.memberCount / RECEIPTS_LIKE_ONE_MESSAGE : 0
  if (catchUp.by === 'receipts') return 1 + receipts
  return (
    1 + receipts + (catchUp.by === 'changes' ? conversation.version - catchUp.after : NEWEST_MESSAGES + FIRST_MEMBERS)
  )
}

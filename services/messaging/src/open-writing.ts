import type { Logger } from '@parley/runtime'
import { gatherReactions, type Reactions } from './changes/gather-reactions.ts'
import { react } from './changes/react.ts'
import { openTurns, type Turns } from './changes/turns.ts'
import type { Telling } from './delivery/open-telling.ts'
import { openMarking, WRITES_AT_ONCE, type Marking } from './receipts/open-marking.ts'
import type { Retention } from './retention.ts'
import { openSending, ways, type Sending } from './send/open-sending.ts'
import { markReceipts } from './store/mark-receipts.ts'
import { findMessages } from './store/messages.ts'
import type { Stores } from './store/open-stores.ts'
import { sendGroup } from './store/send-group.ts'

/** The ways in which something is written: each gathers what comes, bounded, and tells of what was committed. */
export interface Writing extends AsyncDisposable {
  readonly sending: Sending
  /** Whatever else changes a conversation. */
  readonly turns: Turns
  readonly reactions: Reactions
  readonly marking: Marking
}

/** Connections that each of them has for itself. */
export const connectionsOfWriting = {
  group: ways.group.atOnce,
  lane: ways.lane.atOnce,
  /** Conversations that can be changed at once, besides by sends. */
  changes: 6,
  marks: WRITES_AT_ONCE,
} as const

export function openWriting(options: {
  stores: Stores
  telling: Telling
  retention: Retention
  queue: { maxSends: number; maxBytes: number }
  log: Logger
}): Writing {
  const { stores, telling, retention, queue, log } = options
  const stack = new AsyncDisposableStack()
  const sending = stack.use(
    openSending({
      steps: {
        sendGroup: (sends, through) => sendGroup(stores[through], sends, { ...ways[through], at: retention.now() }),
        findMessages: (ids) => findMessages(stores.db, ids),
        async tell(row) {
          telling.tell(row)
          await telling.untilRoom()
        },
      },
      queue,
      log,
    }),
  )
  const marking = stack.use(
    openMarking({
      markReceipts: (marks) => markReceipts(stores.marks, marks),
      tell: (row) => telling.tell(row),
    }),
  )
  const turns = openTurns()
  const reactions = gatherReactions({
    turns,
    async write(conversationId, asked) {
      const { results, told } = await react(stores.changes, { conversationId, retention }, asked)
      if (told !== undefined) telling.tell(told)
      return results
    },
  })
  return { sending, marking, turns, reactions, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

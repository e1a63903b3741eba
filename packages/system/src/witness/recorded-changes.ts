import type { Message } from '@parley/protocol'
import type { SessionRecorder } from '../history/recorder.ts'
import { untilAnswered } from '../until-answered.ts'
import type { Hands, Witness } from './witness.ts'

/** Records each attempt at a change, and tries until it is done or refused. */
export function recordedChanges(
  session: SessionRecorder,
  hands: Hands,
): Pick<Witness, 'edit' | 'remove' | 'react' | 'rename'> {
  const placeOf = ({ conversationId, id: messageId }: Message) => ({ conversationId, messageId })
  return {
    edit: (message, text) =>
      untilAnswered(() => session.change({ ...placeOf(message), text }, () => hands.edit(message, text))),
    remove: (message) =>
      untilAnswered(() => session.change({ ...placeOf(message), text: null }, () => hands.remove(message))),
    react: (message, emoji, isThere) =>
      untilAnswered(() =>
        session.react({ ...placeOf(message), emoji, isThere }, () =>
          isThere ? hands.react(message, emoji) : hands.unreact(message, emoji),
        ),
      ),
    rename: (conversationId, title) =>
      untilAnswered(() => session.rename(conversationId, title, () => hands.rename(conversationId, title))),
  }
}

/** Records what a device is told of how far others have got. */
export function recordReceipts(
  session: SessionRecorder,
  conversationId: string,
  receipts: Iterable<{ userId: string; deliveredSequence: number; readSequence: number }>,
): void {
  for (const { userId, deliveredSequence, readSequence } of receipts) {
    session.told({ conversationId, userId, kind: 'delivered', sequence: deliveredSequence })
    session.told({ conversationId, userId, kind: 'read', sequence: readSequence })
  }
}

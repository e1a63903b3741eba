import type { Message } from '@parley/protocol'
import type { Evidence, Violations } from '../evidence.ts'
import { keyOfSend } from '../sends.ts'

/** I2: every message that anybody got to see was sent by its sender in its place, and says what was said, or what it was changed to. */
export function checkNoInvention({ recording, histories, database }: Evidence): Violations {
  const sent = new Set(recording.sends.map((attempt) => keyOfSend({ ...attempt, id: attempt.messageId })))
  const sentWithAnyText = new Set(
    recording.sends.map((attempt) => keyOfSend({ ...attempt, id: attempt.messageId, text: '' })),
  )
  const changedTo = new Set(recording.changes.map(({ messageId, text }) => JSON.stringify([messageId, text ?? ''])))

  const wasSaid = ({ id, conversationId, senderId: userId, text }: Said) =>
    sent.has(keyOfSend({ id, conversationId, userId, text })) ||
    (sentWithAnyText.has(keyOfSend({ id, conversationId, userId, text: '' })) &&
      changedTo.has(JSON.stringify([id, text])))

  const seen: [where: string, Iterable<Said>][] = [
    ...[...histories].map(([id, messages]): [string, Iterable<Said>] => [`the history of ${id}`, messages]),
    ['the database', database.messages],
    ...recording.sessions.flatMap(({ id, connections, shown }): [string, Iterable<Said>][] => [
      [`what ${id} heard`, connections.flatMap(({ heard }) => heard.map(({ message }) => message))],
      [`what ${id} shows`, shown.flatMap(({ messages }) => messages)],
    ]),
  ]
  return seen.flatMap(([where, messages]) =>
    [...messages].filter((message) => !wasSaid(message)).map(({ id }) => `${id} is in ${where} and was never sent so`),
  )
}

type Said = Pick<Message, 'id' | 'conversationId' | 'senderId' | 'text'>

import { setTimeout as delay } from 'node:timers/promises'
import { refusalOf } from './until-answered.ts'
import type { Witness } from './witness/witness.ts'

/** Between two things one person does, who does not wait for answers. */
const PAUSE_MS = 50
const EMOJI = ['👍', '🎉', '❤️']
/** Things are done to the last few messages. */
const RECENT = 10

/**
 * Mostly says something, in each of the conversations in turn; at times edits or deletes, reacts, renames or reads. Until
 * stopped; resolves when everything is answered. What is refused, because others were faster, is refused.
 */
export async function talk(
  person: Witness,
  conversationIds: readonly string[],
  { stopped, random }: { stopped: AbortSignal; random: () => number },
): Promise<void> {
  const doing: Promise<unknown>[] = []
  for (let number = 0; !stopped.aborted; number += 1) {
    const conversationId = conversationIds[number % conversationIds.length]!
    doing.push(something(person, { conversationId, number, random }).catch(unlessRefused))
    await delay(PAUSE_MS)
  }
  await Promise.all(doing)
}

function something(
  person: Witness,
  { conversationId, number, random }: { conversationId: string; number: number; random: () => number },
): Promise<unknown> {
  const pick = <Item>(items: readonly Item[]) => items[Math.trunc(random() * items.length)]
  const recent = person
    .messagesOf(conversationId)
    .slice(-RECENT)
    .filter(({ deletedAt }) => deletedAt === null)
  const any = pick(recent)
  const own = pick(recent.filter(({ senderId }) => senderId === person.user.id))
  const drawn = random()
  if (drawn < 0.08 && own !== undefined) return person.edit(own, `${person.user.displayName}: ${number}, edited`)
  if (drawn < 0.11 && own !== undefined) return person.remove(own)
  if (drawn < 0.2 && any !== undefined) return person.react(any, pick(EMOJI)!, random() < 0.7)
  if (drawn < 0.22) return person.rename(conversationId, `renamed ${number}`)
  if (drawn < 0.27 && any !== undefined) {
    person.markRead(conversationId, any.sequence)
    return Promise.resolve()
  }
  return person.say(conversationId, `${person.user.displayName}: ${number}`)
}

function unlessRefused(error: unknown): void {
  if (refusalOf(error) === undefined) throw error
}

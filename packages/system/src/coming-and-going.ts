import { setTimeout as delay } from 'node:timers/promises'
import type { Recorder } from './history/recorder.ts'
import { refusalOf, untilAnswered } from './until-answered.ts'
import type { Witness } from './witness/witness.ts'

const PAUSE_MS = 600

interface Guest {
  readonly conversationId: string
  /** May add and remove members. */
  readonly host: Witness
  readonly guest: Witness
}

/** Removes a member and adds them again, again and again until stopped; in the end they are in, or out. */
export async function comeAndGo(
  { conversationId, host, guest }: Guest,
  { recorder, stopped, endsInside }: { recorder: Recorder; stopped: AbortSignal; endsInside: boolean },
): Promise<void> {
  const userId = guest.user.id
  const add = () =>
    recorder.join(conversationId, [userId], () =>
      untilAnswered(() => host.invoke('AddMembers', { conversationId, userIds: [userId] })),
    )
  const remove = () =>
    recorder.leave(conversationId, userId, () =>
      untilAnswered(() => host.invoke('RemoveMember', { conversationId, userId })).catch((error: unknown) => {
        // An attempt before, whose answer was lost, has done it.
        if (refusalOf(error) !== 'user_not_found') throw error
      }),
    )
  const pause = () => delay(PAUSE_MS, undefined, { signal: stopped }).catch(() => undefined)
  let isInside = true
  while (!stopped.aborted || isInside !== endsInside) {
    await pause()
    await (isInside ? remove() : add())
    isInside = !isInside
  }
}

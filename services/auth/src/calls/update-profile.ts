import type { CallContext, Callers, Handler } from '@parley/bus'
import { Refused, refuse, type auth, type media, type RequestOf } from '@parley/contracts'
import { displayNameOf } from '../domain/display-name.ts'
import type { Db } from '../store/tables.ts'
import { findUser, updateUser } from '../store/users.ts'

export function updateProfile(
  db: Db,
  mediaCalls: Pick<Callers<typeof media>, 'useAvatar'>,
): Handler<typeof auth.calls.updateProfile> {
  async function addressOfAvatar(
    { actor: { userId }, avatarId, avatarUrl }: RequestOf<typeof auth.calls.updateProfile>,
    context: CallContext,
  ): Promise<string | null | undefined> {
    if (avatarId === undefined) return avatarUrl
    if (avatarUrl !== undefined) throw refuse.invalid_input({}, 'avatarId: not together with avatarUrl.')
    if ((await findUser(db, userId)) === undefined) throw refuse.unauthenticated()
    const answer = await mediaCalls.useAvatar({ userId, uploadId: avatarId, owner: { userId } }, context)
    if (!answer.ok) throw new Refused(answer.refusal)
    return answer.value.avatarUrl
  }

  return async (request, context) => {
    const { actor, displayName } = request
    const name = displayName === undefined ? undefined : displayNameOf(displayName)
    const avatarUrl = await addressOfAvatar(request, context)
    const nothing = name === undefined && avatarUrl === undefined
    const user = nothing
      ? await findUser(db, actor.userId)
      : await updateUser(db, actor.userId, { displayName: name, avatarUrl })
    if (user === undefined) throw refuse.unauthenticated()
    return user
  }
}

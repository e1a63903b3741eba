import type { AvatarOwner } from '@parley/contracts'
import { sql } from 'kysely'
import type { Db, UploadRow } from './tables.ts'

/** Makes an upload the avatar of its owner. `assertMay` throws when it cannot be; then nothing is changed. */
export function useAsAvatar(
  db: Db,
  id: string,
  owner: AvatarOwner,
  assertMay: (upload: UploadRow | undefined, avatarOf: string) => void,
): Promise<void> {
  const avatarOf = avatarOwnerKey(owner)
  return db.transaction().execute(async (transaction) => {
    const upload = await transaction
      .selectFrom('uploads')
      .selectAll()
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst()
    assertMay(upload, avatarOf)
    await transaction
      .updateTable('uploads')
      .set({ avatarOf, usedAt: sql<Date>`clock_timestamp()` })
      .where('id', '=', id)
      .execute()
  })
}

const avatarOwnerKey = (owner: AvatarOwner): string =>
  'userId' in owner ? `user:${owner.userId}` : `conversation:${owner.conversationId}`

import { must, type Callers } from '@parley/bus'
import { uploadIdOfAvatar, type auth, type messaging } from '@parley/contracts'
import { attachmentsInUse } from '../attachments-in-use.ts'
import {
  deleteAsUnused,
  deleteUnusedSince,
  findDoubtfulAvatars,
  findUnverifiedAttachments,
  noteVerified,
} from '../store/orphans.ts'
import type { Db, UploadRow } from '../store/tables.ts'

export interface Owners {
  readonly auth: Pick<Callers<typeof auth>, 'getUsers'>
  readonly messaging: Pick<Callers<typeof messaging>, 'listAttachments' | 'listAvatars'>
}

const UPLOADS_AT_ONCE = 100
/** Who has a new avatar has told everybody by then. */
const REPLACED_MS = 10 * 60_000

/**
 * Deletes what is used by nobody: uploads that became part of nothing, parts of messages that were never stored, and avatars
 * that were replaced. While their owners cannot be asked, nothing of theirs is deleted.
 */
export async function deleteOrphans(
  using: Owners & { db: Db; orphanAfterMs: number },
  signal: AbortSignal,
): Promise<void> {
  const { db, orphanAfterMs } = using
  while (!signal.aborted && (await deleteUnusedSince(db, orphanAfterMs, UPLOADS_AT_ONCE)) === UPLOADS_AT_ONCE);
  await eachPage(signal, async () => {
    const found = await findUnverifiedAttachments(db, orphanAfterMs, UPLOADS_AT_ONCE)
    if (found.length > 0) await settle(db, found, await attachmentsInUse(using, found))
    return found.length
  })
  await eachPage(signal, async () => {
    const doubtful = { askedMs: orphanAfterMs, replacedMs: REPLACED_MS }
    const found = await findDoubtfulAvatars(db, doubtful, UPLOADS_AT_ONCE)
    if (found.length > 0) await settle(db, found, await avatarsInUse(using, found))
    return found.length
  })
}

async function eachPage(signal: AbortSignal, page: () => Promise<number>): Promise<void> {
  while (!signal.aborted && (await page()) === UPLOADS_AT_ONCE);
}

async function settle(db: Db, found: readonly UploadRow[], inUse: ReadonlySet<string>): Promise<void> {
  const [used, unused] = [found.filter(({ id }) => inUse.has(id)), found.filter(({ id }) => !inUse.has(id))]
  await noteVerified(
    db,
    used.map(({ id }) => id),
  )
  await deleteAsUnused(db, unused)
}

async function avatarsInUse({ auth, messaging }: Owners, found: readonly UploadRow[]): Promise<Set<string>> {
  const ownersOf = (kind: 'user' | 'conversation') => [
    ...new Set(
      found.flatMap(({ avatarOf }) => (avatarOf!.startsWith(`${kind}:`) ? [avatarOf!.slice(kind.length + 1)] : [])),
    ),
  ]
  const [userIds, conversationIds] = [ownersOf('user'), ownersOf('conversation')]
  const { users } = userIds.length === 0 ? { users: [] } : must(await auth.getUsers({ userIds }))
  const { avatars } =
    conversationIds.length === 0 ? { avatars: [] } : must(await messaging.listAvatars({ conversationIds }))
  const named = [...users, ...avatars].map(({ avatarUrl }) => uploadIdOfAvatar(avatarUrl))
  return new Set(named.filter((id) => id !== undefined))
}

import type { Handler } from '@parley/bus'
import type { media } from '@parley/contracts'
import type { S3 } from '@parley/s3'
import { readyKey } from '../domain/object-keys.ts'
import { signForServices } from '../store/signatures.ts'
import type { Db, UploadRow } from '../store/tables.ts'
import { uploadOf } from '../store/upload-of.ts'
import { listLiveUploads } from '../store/uploads-of-user.ts'

/** With their links, far below what NATS carries. */
const UPLOADS_AT_ONCE = 100
const LINK_LIFETIME_MS = 15 * 60_000

/** All uploads of a user that are not deleted, and the files of those that are ready. */
export const exportUser =
  ({ db, s3 }: { db: Db; s3: S3 }): Handler<typeof media.calls.exportUser> =>
  async ({ userId, cursor }) => {
    const rows = await listLiveUploads(db, userId, { after: cursor, most: UPLOADS_AT_ONCE })
    const ready = rows.filter(({ state }) => state === 'ready')
    return {
      records: rows.map((row) => ({ kind: 'uploads', data: recordOf(row) })),
      files: await Promise.all(ready.map((row) => fileOf(s3, row))),
      cursor: rows.length === UPLOADS_AT_ONCE ? rows.at(-1)!.id : null,
    }
  }

const recordOf = (row: UploadRow) => ({
  ...uploadOf(row),
  messageId: row.messageId,
  avatarOf: row.avatarOf,
  settledAt: row.settledAt?.toISOString() ?? null,
  usedAt: row.usedAt?.toISOString() ?? null,
})

async function fileOf(s3: S3, row: UploadRow) {
  const { id, name, size: bytes } = row
  return { id, name, bytes, url: await signForServices(s3, readyKey(uploadOf(row)), LINK_LIFETIME_MS) }
}

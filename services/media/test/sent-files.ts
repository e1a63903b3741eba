import { publishEvents, recordOf, type Bus } from '@parley/bus'
import { messaging } from '@parley/contracts'
import { sql } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import { keysOf as keysOfUpload, pendingKey } from '../src/domain/object-keys.ts'
import { putObject } from '../src/store/objects.ts'
import { beginParts } from '../src/store/parts.ts'
import { pdf, type MediaForTest } from './start-for-test.ts'

export interface SentFile {
  readonly id: string
  readonly createdAt: string
  readonly conversationId: string
  readonly messageId: string
  readonly uploadedBy: string
}

const ROWS_AT_ONCE = 500
const OBJECTS_AT_ONCE = 16

/** Part of a message of the same id each, since three days. Nothing of them is in the bucket. */
export async function insertSent({ db }: MediaForTest, files: number, uploadedBy?: string): Promise<SentFile[]> {
  const sent: SentFile[] = []
  while (sent.length < files) {
    const values = Array.from({ length: Math.min(ROWS_AT_ONCE, files - sent.length) }, () => ({
      id: uuidv7(),
      conversationId: uuidv7(),
      uploadedBy: uploadedBy ?? uuidv7(),
      name: 'her diagnosis.pdf',
      type: 'application/pdf',
      size: 1,
    }))
    await db.insertInto('uploads').values(values).execute()
    const then = sql<Date>`clock_timestamp() - interval '72 hours'`
    const rows = await db
      .updateTable('uploads')
      .set({
        state: 'ready',
        checkedEtag: '"etag"',
        blurhash: 'LEHV6nWB2yk8pyo0adR*.7kCMdnj',
        messageId: sql<string>`id`,
        createdAt: then,
        settledAt: then,
        usedAt: then,
        verifiedAt: then,
      })
      .where(
        'id',
        'in',
        values.map(({ id }) => id),
      )
      .returning(['id', 'createdAt', 'conversationId', 'messageId', 'uploadedBy'])
      .execute()
    sent.push(
      ...rows.map(({ id, createdAt, conversationId, messageId, uploadedBy: by }) => ({
        id,
        createdAt: createdAt.toISOString(),
        conversationId: conversationId!,
        messageId: messageId!,
        uploadedBy: by!,
      })),
    )
  }
  return sent
}

/** All that can be there of them: what was posted, the file, both thumbnails. */
export async function putObjectsOf({ s3 }: MediaForTest, files: readonly SentFile[]): Promise<void> {
  const keys = files.flatMap(keysOfUpload)
  for (let start = 0; start < keys.length; start += OBJECTS_AT_ONCE) {
    const some = keys.slice(start, start + OBJECTS_AT_ONCE)
    await Promise.all(some.map((key) => putObject(s3, key, pdf(), { type: 'application/pdf' })))
  }
}

/** Parts of it that nobody has joined. Answers how S3 calls them. */
export async function beginPartsOf({ s3, db }: MediaForTest, file: SentFile): Promise<string> {
  const multipartId = await beginParts(s3, pendingKey(file), 'application/pdf')
  await db.updateTable('uploads').set({ multipartId, partBytes: 1 }).where('id', '=', file.id).execute()
  return multipartId
}

/** As messaging does: once when the files expire, and once when the message does. */
export async function tellTwice(bus: Bus, files: readonly SentFile[]): Promise<void> {
  const events = files.map(({ conversationId, messageId, id }) =>
    recordOf(messaging.events.attachmentsRemoved, { conversationId }, { conversationId, messageId, uploadIds: [id] }),
  )
  for (const time of ['first', 'second']) {
    for (let start = 0; start < events.length; start += ROWS_AT_ONCE) {
      const some = events.slice(start, start + ROWS_AT_ONCE)
      await publishEvents(bus, some, { idOf: (index) => `${time}-${start + index}` })
    }
  }
}

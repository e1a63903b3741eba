import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { encryptionOf, LONG_REQUEST_TIMEOUT_MS, within, type S3 } from '@parley/s3'
import { keepAsking } from './keep-asking.ts'
import { writeInParts } from './write-in-parts.ts'

const LINK_SECONDS = 60

/** Everything of all exports is below `exports/`, and of one below its id. */
export const allExports = (s3: S3): string => `${s3.prefix}exports/`
export const prefixOf = (s3: S3, exportId: string): string => `${allExports(s3)}${exportId}/`
export const zipKey = (s3: S3, exportId: string, zipId: string): string => `${prefixOf(s3, exportId)}${zipId}.zip`
const pageKey = (s3: S3, exportId: string, objectId: string): string => `${prefixOf(s3, exportId)}${objectId}.json`

/** Records of one kind from one answer of a service. */
export async function putPage(
  s3: S3,
  page: { exportId: string; objectId: string },
  records: readonly unknown[],
  signal: AbortSignal,
): Promise<void> {
  const command = {
    Bucket: s3.bucket,
    Key: pageKey(s3, page.exportId, page.objectId),
    Body: JSON.stringify(records),
    ContentType: 'application/json',
    ...encryptionOf(s3),
  }
  await keepAsking(() => s3.client.send(new PutObjectCommand(command), within(LONG_REQUEST_TIMEOUT_MS)), signal)
}

export async function readPage(
  s3: S3,
  page: { exportId: string; objectId: string },
  signal: AbortSignal,
): Promise<unknown[]> {
  const at = { Bucket: s3.bucket, Key: pageKey(s3, page.exportId, page.objectId) }
  const content = await keepAsking(async () => {
    const { Body } = await s3.client.send(new GetObjectCommand(at), within(LONG_REQUEST_TIMEOUT_MS))
    return Body!.transformToString()
  }, signal)
  return JSON.parse(content) as unknown[]
}

export async function putZip(
  s3: S3,
  zip: { exportId: string; zipId: string },
  content: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<void> {
  const key = zipKey(s3, zip.exportId, zip.zipId)
  await writeInParts(s3, { key, type: 'application/zip' }, content, signal)
}

/** Where the ZIP is, for a minute. */
export async function signZip(s3: S3, zip: { exportId: string; zipId: string }, fileName: string): Promise<string> {
  const command = new GetObjectCommand({
    Bucket: s3.bucket,
    Key: zipKey(s3, zip.exportId, zip.zipId),
    ResponseContentType: 'application/zip',
    ResponseContentDisposition: `attachment; filename="${fileName}"`,
  })
  return s3.toPublic(await getSignedUrl(s3.publicClient, command, { expiresIn: LINK_SECONDS }))
}

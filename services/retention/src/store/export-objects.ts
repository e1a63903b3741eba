import type { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  paginateListObjectsV2,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { encryptionOf, LONG_REQUEST_TIMEOUT_MS, within, type S3 } from '@parley/s3'

/** Everything of an export is below its own prefix: what was gathered, and the ZIP. */
const prefixOf = (exportId: string): string => `exports/${exportId}/`
const zipKey = (exportId: string): string => `${prefixOf(exportId)}export.zip`
const gatheredPrefix = (exportId: string): string => `${prefixOf(exportId)}gathered/`

/** Small enough to be sent again, and so large that 10,000 of them are enough for 150 GB. */
const ZIP_PART_BYTES = 16 * 1024 * 1024
const LINK_SECONDS = 60

export interface Gathered {
  readonly service: string
  readonly kind: string
  readonly page: number
}

/** One page of records of one kind; written again, it is the same. */
export async function putGathered(s3: S3, exportId: string, of: Gathered, records: readonly unknown[]): Promise<void> {
  const page = String(of.page).padStart(8, '0')
  await s3.client.send(
    new PutObjectCommand({
      Bucket: s3.bucket,
      Key: `${s3.prefix}${gatheredPrefix(exportId)}${of.service}/${of.kind}/${page}.json`,
      Body: JSON.stringify(records),
      ContentType: 'application/json',
      ...encryptionOf(s3),
    }),
    within(LONG_REQUEST_TIMEOUT_MS),
  )
}

/** The keys of the pages that were gathered, by service and kind, in their order. */
export async function listGathered(s3: S3, exportId: string): Promise<Map<string, string[]>> {
  const prefix = s3.prefix + gatheredPrefix(exportId)
  const byKind = new Map<string, string[]>()
  for await (const key of keysBelow(s3, prefix)) {
    const path = key.slice(prefix.length).replace(/\/[^/]*$/, '')
    byKind.set(path, [...(byKind.get(path) ?? []), key])
  }
  return byKind
}

export async function readGathered(s3: S3, key: string): Promise<unknown[]> {
  const { Body } = await s3.client.send(
    new GetObjectCommand({ Bucket: s3.bucket, Key: key }),
    within(LONG_REQUEST_TIMEOUT_MS),
  )
  return JSON.parse(await Body!.transformToString()) as unknown[]
}

export async function putZip(s3: S3, exportId: string, body: Readable, signal: AbortSignal): Promise<void> {
  const upload = new Upload({
    client: s3.client,
    params: {
      Bucket: s3.bucket,
      Key: s3.prefix + zipKey(exportId),
      Body: body,
      ContentType: 'application/zip',
      ...encryptionOf(s3),
    },
    partSize: ZIP_PART_BYTES,
    queueSize: 1,
  })
  const abort = () => void upload.abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    await upload.done()
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Where the ZIP is, for a minute. */
export async function signZip(s3: S3, exportId: string, fileName: string): Promise<string> {
  const command = new GetObjectCommand({
    Bucket: s3.bucket,
    Key: s3.prefix + zipKey(exportId),
    ResponseContentType: 'application/zip',
    ResponseContentDisposition: `attachment; filename="${fileName}"`,
  })
  return s3.toPublic(await getSignedUrl(s3.publicClient, command, { expiresIn: LINK_SECONDS }))
}

export const removeGathered = (s3: S3, exportId: string): Promise<void> =>
  removeBelow(s3, s3.prefix + gatheredPrefix(exportId))

/** With everything that was gathered, and what an interrupted upload has left. */
export async function removeExport(s3: S3, exportId: string): Promise<void> {
  const prefix = s3.prefix + prefixOf(exportId)
  await removeBelow(s3, prefix)
  const { Uploads = [] } = await s3.client.send(
    new ListMultipartUploadsCommand({ Bucket: s3.bucket, Prefix: prefix }),
    within(LONG_REQUEST_TIMEOUT_MS),
  )
  for (const { Key, UploadId } of Uploads) {
    await s3.client.send(
      new AbortMultipartUploadCommand({ Bucket: s3.bucket, Key, UploadId }),
      within(LONG_REQUEST_TIMEOUT_MS),
    )
  }
}

async function removeBelow(s3: S3, prefix: string): Promise<void> {
  let keys: string[] = []
  for await (const key of keysBelow(s3, prefix)) {
    keys.push(key)
    if (keys.length === 1_000) {
      await removeKeys(s3, keys)
      keys = []
    }
  }
  await removeKeys(s3, keys)
}

async function removeKeys(s3: S3, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return
  const { Errors = [] } = await s3.client.send(
    new DeleteObjectsCommand({ Bucket: s3.bucket, Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true } }),
    within(LONG_REQUEST_TIMEOUT_MS),
  )
  if (Errors.length > 0) throw new Error(`s3 did not remove ${Errors.length} objects: ${Errors[0]?.Code}`)
}

async function* keysBelow(s3: S3, prefix: string): AsyncGenerator<string> {
  for await (const { Contents = [] } of paginateListObjectsV2(
    { client: s3.client },
    { Bucket: s3.bucket, Prefix: prefix },
    within(LONG_REQUEST_TIMEOUT_MS),
  )) {
    for (const { Key } of Contents) if (Key !== undefined) yield Key
  }
}

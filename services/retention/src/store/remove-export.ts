import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3'
import { LONG_REQUEST_TIMEOUT_MS, within, type S3 } from '@parley/s3'
import { validate } from 'uuid'
import { allExports, prefixOf, zipKey } from './export-objects.ts'
import { keepAsking, statusOf } from './keep-asking.ts'

interface ExportObjects {
  readonly id: string
  readonly zipId: string | null
}

/** With everything that was gathered for it, and what interrupted attempts have left. Answers how many objects there were. */
export const removeExport = (s3: S3, of: ExportObjects): Promise<number> => removeAllBut(s3, of, undefined)

/** What its ZIP was made of. */
export const removeAllButZip = (s3: S3, of: { id: string; zipId: string }): Promise<number> =>
  removeAllBut(s3, of, zipKey(s3, of.id, of.zipId))

async function removeAllBut(s3: S3, { id, zipId }: ExportObjects, kept: string | undefined): Promise<number> {
  const prefix = prefixOf(s3, id)
  for await (const upload of uploadsBelow(s3, prefix)) await giveUp(s3, upload)
  // Some servers tell uploads of exactly this key only.
  if (zipId !== null) for await (const upload of uploadsBelow(s3, zipKey(s3, id, zipId))) await giveUp(s3, upload)
  let removed = 0
  for await (const { keys } of pagesBelow(s3, { Prefix: prefix })) {
    const unneeded = keys.filter((key) => key !== kept)
    await removeKeys(s3, unneeded)
    removed += unneeded.length
  }
  return removed
}

/** Of an attempt that was broken off. */
export async function removeZip(s3: S3, { id, zipId }: { id: string; zipId: string }): Promise<void> {
  const key = zipKey(s3, id, zipId)
  for await (const upload of uploadsBelow(s3, key)) await giveUp(s3, upload)
  await removeKeys(s3, [key])
}

/** Exports of which there is anything. What does not look like one is left alone. */
export async function listExportIds(s3: S3): Promise<Set<string>> {
  const prefix = allExports(s3)
  const ids = new Set<string>()
  const add = (key: string) => {
    const id = key.slice(prefix.length).split('/')[0]!
    if (validate(id)) ids.add(id)
  }
  for await (const { prefixes } of pagesBelow(s3, { Prefix: prefix, Delimiter: '/' })) prefixes.forEach(add)
  for await (const { Key } of uploadsBelow(s3, prefix)) add(Key!)
  return ids
}

async function removeKeys(s3: S3, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return
  const command = { Bucket: s3.bucket, Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true } }
  await keepAsking(async () => {
    const { Errors = [] } = await s3.client.send(new DeleteObjectsCommand(command), within(LONG_REQUEST_TIMEOUT_MS))
    if (Errors.length > 0) throw new Error(`s3 did not remove ${Errors.length} objects: ${Errors[0]?.Code}`)
  })
}

async function giveUp(s3: S3, upload: { Key: string | undefined; UploadId: string | undefined }): Promise<void> {
  const command = { Bucket: s3.bucket, ...upload }
  try {
    await keepAsking(() => s3.client.send(new AbortMultipartUploadCommand(command), within(LONG_REQUEST_TIMEOUT_MS)))
  } catch (error) {
    // Gone already.
    if (statusOf(error) !== 404) throw error
  }
}

/** In pages of up to 1,000. */
async function* pagesBelow(s3: S3, below: { Prefix: string; Delimiter?: string }) {
  let ContinuationToken: string | undefined
  do {
    const command: ListObjectsV2Command['input'] = { Bucket: s3.bucket, ...below, ContinuationToken }
    const page = await keepAsking(() =>
      s3.client.send(new ListObjectsV2Command(command), within(LONG_REQUEST_TIMEOUT_MS)),
    )
    yield {
      keys: (page.Contents ?? []).map(({ Key }) => Key!),
      prefixes: (page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix!),
    }
    ContinuationToken = page.NextContinuationToken
  } while (ContinuationToken !== undefined)
}

async function* uploadsBelow(s3: S3, prefix: string) {
  let place: { KeyMarker: string | undefined; UploadIdMarker: string | undefined } | undefined
  do {
    const command = { Bucket: s3.bucket, Prefix: prefix, ...place }
    const page = await keepAsking(() =>
      s3.client.send(new ListMultipartUploadsCommand(command), within(LONG_REQUEST_TIMEOUT_MS)),
    )
    for (const { Key, UploadId } of page.Uploads ?? []) yield { Key, UploadId }
    place = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : undefined
  } while (place !== undefined)
}

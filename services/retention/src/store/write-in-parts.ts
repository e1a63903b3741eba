import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3'
import { encryptionOf, LONG_REQUEST_TIMEOUT_MS, within, type S3 } from '@parley/s3'
import { keepAsking, statusOf } from './keep-asking.ts'

/** Small enough to be sent again, and so large that the 10,000 that there may be are enough for 150 GB. */
const PART_BYTES = 16 * 1024 * 1024

/**
 * Writes an object of any length, of which no more than a part is in memory. It is there whole, or not at all: then the parts
 * stay, for whoever begins anew to give up.
 */
export async function writeInParts(
  s3: S3,
  object: { key: string; type: string },
  content: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<void> {
  const at = { Bucket: s3.bucket, Key: object.key }
  const begin = { ...at, ContentType: object.type, ...encryptionOf(s3) }
  const { UploadId } = await keepAsking(
    () => s3.client.send(new CreateMultipartUploadCommand(begin), within(LONG_REQUEST_TIMEOUT_MS)),
    signal,
  )
  const parts: CompletedPart[] = []
  for await (const bytes of partsOf(content)) {
    const part = { ...at, UploadId, PartNumber: parts.length + 1, Body: bytes }
    const { ETag } = await keepAsking(
      () => s3.client.send(new UploadPartCommand(part), within(LONG_REQUEST_TIMEOUT_MS)),
      signal,
    )
    parts.push({ PartNumber: part.PartNumber, ETag })
  }
  const whole = { ...at, UploadId, MultipartUpload: { Parts: parts } }
  try {
    await keepAsking(
      () => s3.client.send(new CompleteMultipartUploadCommand(whole), within(LONG_REQUEST_TIMEOUT_MS)),
      signal,
    )
  } catch (error) {
    if (statusOf(error) !== 404) throw error
    // Asked before, it has done so, and the answer was lost: the object is there.
    await keepAsking(() => s3.client.send(new HeadObjectCommand(at), within(LONG_REQUEST_TIMEOUT_MS)), signal)
  }
}

async function* partsOf(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of content) {
    chunks.push(chunk)
    bytes += chunk.byteLength
    if (bytes < PART_BYTES) continue
    yield Buffer.concat(chunks)
    chunks = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(chunks)
}

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
} from '@aws-sdk/client-s3'
import { encryptionOf, LONG_REQUEST_TIMEOUT_MS, REQUEST_TIMEOUT_MS, type S3, within } from '@parley/s3'
import { answered, unavailable, unlessLost } from './answers.ts'

export interface Part {
  /** From 1. */
  readonly number: number
  readonly size: number
  readonly etag: string
}

/** From now on S3 gathers the parts of this object; answers by which id. */
export async function beginParts(s3: S3, key: string, type: string): Promise<string> {
  const command = new CreateMultipartUploadCommand({
    Bucket: s3.bucket,
    Key: s3.prefix + key,
    ContentType: type,
    ...encryptionOf(s3),
  })
  const { UploadId: multipartId } = await answered(s3.client.send(command, within(REQUEST_TIMEOUT_MS)))
  if (multipartId === undefined) throw unavailable('did not tell the id')
  return multipartId
}

/** Those that are there, in order; asks S3 for so many at a time. */
export async function listParts(
  s3: S3,
  key: string,
  multipartId: string,
  mostAtOnce = 1_000,
): Promise<Part[] | 'gone'> {
  const parts: Part[] = []
  let after: { PartNumberMarker: string } | undefined
  do {
    const command = new ListPartsCommand({ ...of(s3, key, multipartId), MaxParts: mostAtOnce, ...after })
    const page = await unlessGone(s3.client.send(command, within(REQUEST_TIMEOUT_MS)))
    if (page === 'gone') return 'gone'
    for (const { PartNumber: number, Size: size, ETag: etag } of page.Parts ?? []) {
      if (number === undefined || size === undefined || etag === undefined) throw unavailable('listed half a part')
      parts.push({ number, size, etag })
    }
    const { IsTruncated: more, NextPartNumberMarker: PartNumberMarker } = page
    after = more === true && PartNumberMarker !== undefined ? { PartNumberMarker } : undefined
  } while (after !== undefined)
  return parts
}

/** Makes one object of exactly these. `gone`: they were joined, or abandoned, before; some servers say `joined` once more. */
export async function joinParts(
  s3: S3,
  key: string,
  multipartId: string,
  parts: readonly Pick<Part, 'number' | 'etag'>[],
): Promise<'joined' | 'gone'> {
  const Parts = parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag }))
  const command = new CompleteMultipartUploadCommand({ ...of(s3, key, multipartId), MultipartUpload: { Parts } })
  const joined = await unlessGone(s3.client.send(command, within(LONG_REQUEST_TIMEOUT_MS)))
  return joined === 'gone' ? 'gone' : 'joined'
}

/** Removes those that are there, and takes no more. What is not gathered any longer is abandoned already. */
export async function abandonParts(s3: S3, key: string, multipartId: string): Promise<void> {
  await unlessGone(
    s3.client.send(new AbortMultipartUploadCommand(of(s3, key, multipartId)), within(REQUEST_TIMEOUT_MS)),
  )
}

export interface Gathering {
  readonly key: string
  readonly multipartId: string
  readonly begunAt: Date
}

/** All below the prefix that are neither joined nor abandoned; asks S3 for so many at a time. */
export async function* listGatherings(s3: S3, mostAtOnce = 1_000): AsyncGenerator<Gathering, void> {
  let after: { KeyMarker: string; UploadIdMarker: string } | undefined
  do {
    const command = new ListMultipartUploadsCommand({
      Bucket: s3.bucket,
      Prefix: s3.prefix,
      MaxUploads: mostAtOnce,
      ...after,
    })
    const page = await answered(s3.client.send(command, within(LIST_TIMEOUT_MS)))
    for (const { Key: key, UploadId: multipartId, Initiated: begunAt } of page.Uploads ?? []) {
      if (key === undefined || multipartId === undefined || begunAt === undefined) {
        throw unavailable('listed half a gathering')
      }
      yield { key: key.slice(s3.prefix.length), multipartId, begunAt }
    }
    const { IsTruncated: more, NextKeyMarker, NextUploadIdMarker } = page
    if (more === true && (NextKeyMarker === undefined || NextUploadIdMarker === undefined)) {
      throw unavailable('did not tell where its list goes on')
    }
    after = more === true ? { KeyMarker: NextKeyMarker!, UploadIdMarker: NextUploadIdMarker! } : undefined
  } while (after !== undefined)
}

const LIST_TIMEOUT_MS = 20_000

async function unlessGone<Answer>(answer: Promise<Answer>): Promise<Answer | 'gone'> {
  const given = await unlessLost(answer)
  if (given === 'changed') throw unavailable('said that a condition does not hold that was not made')
  return given
}

const of = ({ bucket, prefix }: S3, key: string, multipartId: string) => ({
  Bucket: bucket,
  Key: prefix + key,
  UploadId: multipartId,
})

import { refuse } from '@parley/contracts'
import type { S3 } from '@parley/s3'
import { partSizesOf } from './domain/part-sizes.ts'
import { joinParts, listParts } from './store/parts.ts'

/**
 * Makes one file of the parts when all are there, each as large as it must be; otherwise it is not received yet, and the parts
 * stay. Where it was done before, there is nothing to do.
 */
export async function joinUpload(
  s3: S3,
  upload: { readonly key: string; readonly multipartId: string; readonly size: number; readonly partBytes: number },
): Promise<void> {
  const { key, multipartId, size, partBytes } = upload
  const parts = await listParts(s3, key, multipartId)
  if (parts === 'gone') return
  const wanted = partSizesOf(size, partBytes)
  const isWhole =
    parts.length === wanted.length &&
    parts.every((part, index) => part.number === index + 1 && part.size === wanted[index])
  if (!isWhole) throw refuse.upload_not_received()
  await joinParts(s3, key, multipartId, parts)
}

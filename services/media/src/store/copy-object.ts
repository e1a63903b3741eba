import { CopyObjectCommand } from '@aws-sdk/client-s3'
import { encryptionOf, LONG_REQUEST_TIMEOUT_MS, type S3, within } from '@parley/s3'
import { causeOf, statusOf, unlessLost, type Lost } from './answers.ts'

/** Copies exactly the content of this ETag. Of whatever else was said of it, only the type stays: as it is said here. */
export async function copyObject(
  s3: S3,
  from: string,
  to: string,
  etag: string,
  { type }: { type: string },
): Promise<'copied' | Lost> {
  const command = () =>
    new CopyObjectCommand({
      Bucket: s3.bucket,
      Key: s3.prefix + to,
      ...encryptionOf(s3),
      CopySource: `${s3.bucket}/${encodeURIComponent(s3.prefix + from).replaceAll('%2F', '/')}`,
      CopySourceIfMatch: etag,
      MetadataDirective: 'REPLACE',
      ContentType: type,
    })
  const send = async (copying: CopyObjectCommand) => {
    const copied = await unlessLost(s3.client.send(copying, within(LONG_REQUEST_TIMEOUT_MS)))
    return typeof copied === 'string' ? copied : 'copied'
  }
  if (s3.isAws) return send(command())
  try {
    return await send(forCeph(command(), etag))
  } catch (error) {
    if (!DOES_NOT_KNOW_IT.includes(statusOf(causeOf(error)) ?? 0)) throw error
    return send(command())
  }
}

/** The RADOS Gateway looks for the condition in a header that is named otherwise, and ignores that of S3. */
function forCeph(command: CopyObjectCommand, etag: string): CopyObjectCommand {
  command.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> }
      headers['x-amz-copy-if-match'] = etag
      return next(args)
    },
    { step: 'build' },
  )
  return command
}

/** How servers refuse a header that they have not heard of. */
const DOES_NOT_KNOW_IT = [400, 501]

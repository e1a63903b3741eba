import { testS3 } from '@parley/testing'
import { openS3, type S3, type S3Settings } from '@parley/s3'

/** A fresh bucket, as the service is told of it. */
export async function s3Settings(changes: Partial<S3Settings> = {}): Promise<S3Settings & { endpoint: string }> {
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = await testS3()
  return {
    region,
    bucket,
    publicEndpoint: undefined,
    prefix: '',
    forcePathStyle: true,
    encryption: undefined,
    credentials: { accessKeyId, secretAccessKey },
    ...changes,
    endpoint: changes.endpoint ?? endpoint,
  }
}

export async function openS3ForTest(changes: Partial<S3Settings> = {}): Promise<S3> {
  return openS3(await s3Settings(changes))
}

interface Form {
  readonly url: string
  readonly fields: Record<string, string>
}

/** As a browser does. */
export function postForm(form: Form, content: Uint8Array | string, changed: Record<string, string> = {}) {
  const body = new FormData()
  for (const [name, value] of Object.entries({ ...form.fields, ...changed })) body.set(name, value)
  body.set('file', new Blob([typeof content === 'string' ? content : Uint8Array.from(content)]))
  return fetch(form.url, { method: 'POST', body })
}

export const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(7)

export const text = (content: string): Uint8Array => new TextEncoder().encode(content)

export async function everything<Each>(source: AsyncIterable<Each>): Promise<Each[]> {
  const all: Each[] = []
  for await (const each of source) all.push(each)
  return all
}

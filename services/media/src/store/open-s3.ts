import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3'

export interface S3Settings {
  readonly endpoint: string
  /** Where clients reach the same store: forms and links are signed for it. */
  readonly publicEndpoint: string
  readonly region: string
  readonly bucket: string
  readonly forcePathStyle: boolean
  /** Otherwise found by the SDK's chain: environment, shared files, the role of the container or machine. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

export interface S3 extends Disposable {
  readonly bucket: string
  readonly client: S3Client
  /** Only signs: it never connects. */
  readonly publicClient: S3Client
  /** Resolves when the bucket answers. A health check. */
  check(): Promise<unknown>
}

const CONNECT_TIMEOUT_MS = 1_000
const REQUEST_TIMEOUT_MS = 4_000
const ATTEMPTS = 2

export function openS3(settings: S3Settings): S3 {
  const { bucket } = settings
  const client = clientOf(settings, settings.endpoint)
  const publicClient = clientOf(settings, settings.publicEndpoint)
  return {
    bucket,
    client,
    publicClient,
    check: () => client.send(new HeadBucketCommand({ Bucket: bucket })),
    [Symbol.dispose]() {
      client.destroy()
      publicClient.destroy()
    },
  }
}

function clientOf(settings: S3Settings, endpoint: string): S3Client {
  return new S3Client({
    endpoint,
    region: settings.region,
    forcePathStyle: settings.forcePathStyle,
    ...(settings.credentials === undefined ? {} : { credentials: settings.credentials }),
    maxAttempts: ATTEMPTS,
    // Checksums of the SDK's own choice are refused by older servers, and would become part of every link.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  })
}

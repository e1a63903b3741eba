import { HeadBucketCommand, S3Client, type S3ClientConfig, type ServerSideEncryption } from '@aws-sdk/client-s3'
import { ATTEMPTS, REQUEST_TIMEOUT_MS, within } from './time-limits.ts'

export interface S3Settings {
  /** Undefined: AWS itself, wherever its region is. */
  readonly endpoint: string | undefined
  /**
   * Where clients reach the same store: forms and links are signed for it. Undefined: at `endpoint`. A path in it replaces
   * that of `endpoint`, and a proxy turns it back.
   */
  readonly publicEndpoint: string | undefined
  /** Undefined: as the SDK finds it, from `AWS_REGION` or a shared file. */
  readonly region: string | undefined
  readonly bucket: string
  /** Before every key; empty, or with a slash at its end. */
  readonly prefix: string
  /** Otherwise the bucket is a part of the host name. */
  readonly forcePathStyle: boolean
  /** What S3 is told with every object that is written. Undefined: as the bucket is set. */
  readonly encryption: { readonly algorithm: ServerSideEncryption; readonly keyId: string | undefined } | undefined
  /** Otherwise found by the SDK's chain: environment, shared files, the role of the container or machine. */
  readonly credentials?: NonNullable<S3ClientConfig['credentials']>
}

/** Where objects are. No key that others give or get has the prefix. */
export interface S3 extends Disposable {
  readonly bucket: string
  readonly prefix: string
  readonly encryption: S3Settings['encryption']
  /** And not one of its kind. */
  readonly isAws: boolean
  readonly client: S3Client
  /** Only signs: it never connects. */
  readonly publicClient: S3Client
  /** Where clients find what `publicClient` has signed. */
  toPublic(url: string): string
  /** Resolves when the bucket answers. A health check. */
  check(): Promise<unknown>
}

const CONNECT_TIMEOUT_MS = 1_000

export function openS3(settings: S3Settings): S3 {
  const { bucket, prefix, encryption, endpoint, publicEndpoint = endpoint } = settings
  const client = clientOf(settings, endpoint)
  const path = pathOf(endpoint)
  const publicPath = pathOf(publicEndpoint)
  const publicClient =
    publicEndpoint === undefined
      ? client
      : clientOf({ ...settings, credentials: client.config.credentials }, new URL(publicEndpoint).origin + path)
  return {
    bucket,
    prefix,
    encryption,
    isAws: isAws(endpoint),
    client,
    publicClient,
    toPublic: (url) => {
      const { origin } = new URL(url)
      return origin + publicPath + url.slice(origin.length + path.length)
    },
    check: () => client.send(new HeadBucketCommand({ Bucket: bucket }), within(REQUEST_TIMEOUT_MS)),
    [Symbol.dispose]() {
      client.destroy()
      publicClient.destroy()
    },
  }
}

export function isAws(endpoint: string | undefined): boolean {
  return endpoint === undefined || /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname)
}

/** The same store, asked by nobody in particular. */
export function openAnonymously(settings: S3Settings): Disposable & { readonly client: S3Client } {
  const client = clientOf(settings, settings.endpoint, { signer: { sign: (request) => Promise.resolve(request) } })
  return { client, [Symbol.dispose]: () => client.destroy() }
}

/** As it is signed, without a slash at its end. */
const pathOf = (endpoint: string | undefined): string =>
  endpoint === undefined ? '' : new URL(endpoint).pathname.replace(/\/+$/, '')

function clientOf(settings: S3Settings, endpoint: string | undefined, more: S3ClientConfig = {}): S3Client {
  const { region, credentials, forcePathStyle } = settings
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
    forcePathStyle,
    ...more,
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
  client.middlewareStack.add(
    (next) => (args) => {
      // The SDK names its command in urls, also in those that it signs. It means nothing to S3.
      delete (args.request as { query: Record<string, unknown> }).query['x-id']
      return next(args)
    },
    { step: 'build' },
  )
  return client
}

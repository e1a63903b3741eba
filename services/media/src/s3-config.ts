import { ConfigError } from '@parley/runtime'
import { z } from 'zod'
import { isAws, type S3Settings } from './store/open-s3.ts'

const endpoint = z
  .url({ protocol: /^https?$/ })
  .refine(
    (url) => !/[?#]/.test(url) && new URL(url).username === '',
    'must be an address without anything behind its path',
  )

const origins = z
  .string()
  .transform((list) => list.split(',').map((origin) => origin.trim()))
  .pipe(z.array(z.url({ protocol: /^https?$/ }).refine((origin) => new URL(origin).origin === origin, 'not an origin')))

export const s3Variables = {
  S3_ENDPOINT: endpoint.optional(),
  S3_PUBLIC_ENDPOINT: endpoint.optional(),
  S3_REGION: z.string().optional(),
  S3_BUCKET: z.string(),
  S3_PREFIX: z
    .string()
    .regex(/^([A-Za-z0-9][\w.-]*\/)+$/, 'must end with a slash and not begin with one, such as parley/')
    .default(''),
  S3_FORCE_PATH_STYLE: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional(),
  S3_SSE: z.enum(['AES256', 'aws:kms']).optional(),
  S3_SSE_KEY_ID: z.string().optional(),
  S3_BUCKET_SETUP: z.enum(['check', 'apply']).optional(),
  /** Exact origins, separated by commas. */
  MEDIA_ALLOWED_ORIGINS: origins.optional(),
}

type Given = z.output<z.ZodObject<typeof s3Variables>>

export function s3SettingsOf(read: Given): S3Settings {
  const { S3_ENDPOINT: endpoint, S3_SSE: algorithm, S3_SSE_KEY_ID: keyId } = read
  if (keyId !== undefined && algorithm !== 'aws:kms') {
    throw new ConfigError('S3_SSE_KEY_ID is the key for aws:kms: set S3_SSE to that, or leave it out.')
  }
  const onAws = isAws(endpoint)
  return {
    endpoint,
    publicEndpoint: read.S3_PUBLIC_ENDPOINT,
    // Servers other than AWS have one region, and most do not mind how it is called.
    region: read.S3_REGION ?? (onAws ? undefined : 'us-east-1'),
    bucket: read.S3_BUCKET,
    prefix: read.S3_PREFIX,
    forcePathStyle: read.S3_FORCE_PATH_STYLE ?? !onAws,
    encryption: algorithm && { algorithm, keyId },
  }
}

/** How the bucket is made sure of at the start. */
export interface BucketSetup {
  /** Makes what is missing; otherwise the start fails for it. */
  readonly apply: boolean
  /** Whose pages may send and get files; `*` is every page. */
  readonly allowedOrigins: readonly string[]
}

export function bucketSetupOf(read: Given, { development }: { development: boolean }): BucketSetup {
  const byDefault = development ? 'apply' : 'check'
  return {
    apply: (read.S3_BUCKET_SETUP ?? byDefault) === 'apply',
    // What pages post is signed, and no cookie is involved.
    allowedOrigins: read.MEDIA_ALLOWED_ORIGINS ?? (development ? ['*'] : []),
  }
}

import { ConfigError } from '@parley/runtime'
import { z } from 'zod'
import { isAws, type S3Settings } from './open-s3.ts'

const endpoint = z
  .url({ protocol: /^https?$/ })
  .refine(
    (url) => !/[?#]/.test(url) && new URL(url).username === '',
    'must be an address without anything behind its path',
  )

/** What there is to say about where objects are: names of variables, and how they are read. */
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

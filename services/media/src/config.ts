import { readEnvironment, variables, type Environment } from '@parley/runtime'
import { z } from 'zod'
import type { MediaKind } from './domain/media-types.ts'
import type { S3Settings } from './store/open-s3.ts'

export type Config = ReturnType<typeof readConfig>

const MEGABYTE = 1024 * 1024
/** What S3 takes in one post. */
const MOST_BYTES = 5 * 1024 * MEGABYTE

const endpoint = z.url({ protocol: /^https?$/ })
const bytes = (byDefault: number) => z.coerce.number().int().min(1).max(MOST_BYTES).default(byDefault)

export function readConfig(environment: Environment) {
  const read = readEnvironment(
    'MEDIA_',
    {
      PARLEY_ENV: variables.PARLEY_ENV,
      LOG_LEVEL: variables.LOG_LEVEL,
      HTTP_HOST: variables.HTTP_HOST,
      HTTP_PORT: variables.HTTP_PORT,
      NATS_URL: variables.NATS_URL,
      POSTGRES_URL: variables.POSTGRES_URL,
      S3_ENDPOINT: endpoint,
      S3_PUBLIC_ENDPOINT: endpoint.optional(),
      S3_REGION: z.string().default('us-east-1'),
      S3_BUCKET: z.string(),
      S3_FORCE_PATH_STYLE: z
        .enum(['true', 'false'])
        .default('true')
        .transform((value) => value === 'true'),
      MEDIA_IMAGE_MAX_BYTES: bytes(25 * MEGABYTE),
      MEDIA_VIDEO_MAX_BYTES: bytes(500 * MEGABYTE),
      MEDIA_AUDIO_MAX_BYTES: bytes(100 * MEGABYTE),
      MEDIA_DOCUMENT_MAX_BYTES: bytes(100 * MEGABYTE),
      MEDIA_FORM_SECONDS: z.coerce.number().int().min(1).max(600).default(300),
      MEDIA_LINK_SECONDS: z.coerce.number().int().min(1).max(300).default(60),
    },
    environment,
  )
  const s3: S3Settings = {
    endpoint: read.S3_ENDPOINT,
    publicEndpoint: read.S3_PUBLIC_ENDPOINT ?? read.S3_ENDPOINT,
    region: read.S3_REGION,
    bucket: read.S3_BUCKET,
    forcePathStyle: read.S3_FORCE_PATH_STYLE,
  }
  const maxBytes: Readonly<Record<MediaKind, number>> = {
    image: read.MEDIA_IMAGE_MAX_BYTES,
    video: read.MEDIA_VIDEO_MAX_BYTES,
    audio: read.MEDIA_AUDIO_MAX_BYTES,
    document: read.MEDIA_DOCUMENT_MAX_BYTES,
  }
  return {
    environment: read.PARLEY_ENV,
    logLevel: read.LOG_LEVEL,
    http: { host: read.HTTP_HOST, port: read.HTTP_PORT },
    natsUrl: read.NATS_URL,
    postgresUrl: read.POSTGRES_URL,
    s3,
    maxBytes,
    /** How long a client may post to a form, and follow a link. */
    formLifetimeMs: read.MEDIA_FORM_SECONDS * 1_000,
    linkLifetimeMs: read.MEDIA_LINK_SECONDS * 1_000,
  }
}

import { availableParallelism } from 'node:os'
import { ConfigError, readEnvironment, variables, type Environment } from '@parley/runtime'
import { s3SettingsOf, s3Variables } from '@parley/s3'
import { z } from 'zod'
import type { MediaKind } from './domain/media-types.ts'
import { takenTypes } from './domain/taken-types.ts'
import { bucketSetupOf, bucketVariables } from './bucket-config.ts'

export type Config = ReturnType<typeof readConfig>

const MEGABYTE = 1024 * 1024
/** What S3 takes in one post. */
const MOST_BYTES = 5 * 1024 * MEGABYTE

/** But for the last one, S3 takes no smaller parts, and no more than 10,000 of them. */
const SMALLEST_PART = 5 * MEGABYTE
const MOST_PARTS = 10_000

/** `image/*, application/pdf`; `*\/*` is all that can be taken. */
const typePatterns = z.string().regex(/^\s*[a-z*]+\/[a-z0-9.+*-]+\s*(,\s*[a-z*]+\/[a-z0-9.+*-]+\s*)*$/, {
  error: 'must be media types, such as image/*',
})

const bytes = (byDefault: number) => z.coerce.number().int().min(1).max(MOST_BYTES).default(byDefault)

/** One is left for whatever else runs here. */
const sparedProcessors = Math.max(1, Math.min(4, availableParallelism() - 1))

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
      S3_ENDPOINT: s3Variables.S3_ENDPOINT,
      S3_PUBLIC_ENDPOINT: s3Variables.S3_PUBLIC_ENDPOINT,
      S3_REGION: s3Variables.S3_REGION,
      S3_BUCKET: s3Variables.S3_BUCKET,
      S3_PREFIX: s3Variables.S3_PREFIX,
      S3_FORCE_PATH_STYLE: s3Variables.S3_FORCE_PATH_STYLE,
      S3_SSE: s3Variables.S3_SSE,
      S3_SSE_KEY_ID: s3Variables.S3_SSE_KEY_ID,
      S3_BUCKET_SETUP: bucketVariables.S3_BUCKET_SETUP,
      MEDIA_ALLOWED_ORIGINS: bucketVariables.MEDIA_ALLOWED_ORIGINS,
      MEDIA_IMAGE_MAX_BYTES: bytes(25 * MEGABYTE),
      MEDIA_VIDEO_MAX_BYTES: bytes(500 * MEGABYTE),
      MEDIA_AUDIO_MAX_BYTES: bytes(100 * MEGABYTE),
      MEDIA_DOCUMENT_MAX_BYTES: bytes(100 * MEGABYTE),
      MEDIA_TYPES: typePatterns.default('*/*'),
      MEDIA_DAILY_UPLOADS: z.coerce.number().int().min(1).default(1_000),
      MEDIA_DAILY_BYTES: z.coerce
        .number()
        .int()
        .min(1)
        .default(5 * 1024 * MEGABYTE),
      MEDIA_PARTS_ABOVE_BYTES: bytes(100 * MEGABYTE),
      MEDIA_PART_BYTES: z.coerce
        .number()
        .int()
        .min(SMALLEST_PART)
        .max(MOST_BYTES)
        .default(16 * MEGABYTE),
      MEDIA_FORM_SECONDS: z.coerce.number().int().min(1).max(600).default(300),
      MEDIA_PARTS_SECONDS: z.coerce.number().int().min(1).max(86_400).default(3_600),
      MEDIA_LINK_SECONDS: z.coerce.number().int().min(1).max(300).default(60),
      MEDIA_AVATAR_LINK_SECONDS: z.coerce.number().int().min(1).max(86_400).default(3_600),
      MEDIA_CHECKS_AT_ONCE: z.coerce.number().int().min(1).max(64).default(sparedProcessors),
      MEDIA_CHECK_SECONDS: z.coerce.number().int().min(1).max(300).default(60),
      MEDIA_CHECK_MEMORY_MB: z.coerce.number().int().min(256).max(16_384).default(1_536),
      MEDIA_MAX_PIXELS: z.coerce.number().int().min(1).max(500_000_000).default(50_000_000),
      NODE_EXTRA_CA_CERTS: z.string().optional(),
      MEDIA_CLAMD_URL: z.url({ protocol: /^(tcp|unix)$/ }).optional(),
      MEDIA_SCAN_SECONDS: z.coerce.number().int().min(1).max(300).default(120),
      MEDIA_ORPHAN_HOURS: z.coerce.number().min(1).max(168).default(24),
    },
    environment,
  )
  const maxBytes: Readonly<Record<MediaKind, number>> = {
    image: read.MEDIA_IMAGE_MAX_BYTES,
    video: read.MEDIA_VIDEO_MAX_BYTES,
    audio: read.MEDIA_AUDIO_MAX_BYTES,
    document: read.MEDIA_DOCUMENT_MAX_BYTES,
  }
  const largest = Math.max(...Object.values(maxBytes))
  if (largest > read.MEDIA_PART_BYTES * MOST_PARTS) {
    throw new ConfigError(
      `MEDIA_PART_BYTES is too small: a file of ${largest} bytes would have more than ${MOST_PARTS} parts.`,
    )
  }
  return {
    environment: read.PARLEY_ENV,
    logLevel: read.LOG_LEVEL,
    http: { host: read.HTTP_HOST, port: read.HTTP_PORT },
    natsUrl: read.NATS_URL,
    postgresUrl: read.POSTGRES_URL,
    s3: s3SettingsOf(read),
    bucketSetup: bucketSetupOf(read, { development: read.PARLEY_ENV === 'development' }),
    maxBytes,
    takes: takenTypes(read.MEDIA_TYPES),
    dailyQuota: { uploads: read.MEDIA_DAILY_UPLOADS, bytes: read.MEDIA_DAILY_BYTES },
    partsAboveBytes: read.MEDIA_PARTS_ABOVE_BYTES,
    partBytes: read.MEDIA_PART_BYTES,
    /** How long a client may post to a form, put the parts of a large file, and follow a link. */
    formLifetimeMs: read.MEDIA_FORM_SECONDS * 1_000,
    partsLifetimeMs: read.MEDIA_PARTS_SECONDS * 1_000,
    /** How long a check, or joining parts, may go on after the upload was deleted: longer than S3 and a scanner may take. */
    settlingMs: 15 * 60_000,
    linkLifetimeMs: read.MEDIA_LINK_SECONDS * 1_000,
    avatarLinkLifetimeMs: read.MEDIA_AVATAR_LINK_SECONDS * 1_000,
    inspection: {
      atOnce: read.MEDIA_CHECKS_AT_ONCE,
      timeoutMs: read.MEDIA_CHECK_SECONDS * 1_000,
      memoryMb: read.MEDIA_CHECK_MEMORY_MB,
      maxPixels: read.MEDIA_MAX_PIXELS,
      extraCaCerts: read.NODE_EXTRA_CA_CERTS,
    },
    /** Undefined: nothing is scanned for malware. */
    clamd:
      read.MEDIA_CLAMD_URL === undefined
        ? undefined
        : { url: read.MEDIA_CLAMD_URL, timeoutMs: read.MEDIA_SCAN_SECONDS * 1_000 },
    orphanAfterMs: read.MEDIA_ORPHAN_HOURS * 60 * 60 * 1_000,
  }
}

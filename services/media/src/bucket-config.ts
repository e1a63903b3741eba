import { z } from 'zod'

const origins = z
  .string()
  .transform((list) => list.split(',').map((origin) => origin.trim()))
  .pipe(z.array(z.url({ protocol: /^https?$/ }).refine((origin) => new URL(origin).origin === origin, 'not an origin')))

export const bucketVariables = {
  S3_BUCKET_SETUP: z.enum(['check', 'apply']).optional(),
  /** Exact origins, separated by commas. */
  MEDIA_ALLOWED_ORIGINS: origins.optional(),
}

type Given = z.output<z.ZodObject<typeof bucketVariables>>

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

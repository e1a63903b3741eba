import {
  GetBucketLifecycleConfigurationCommand,
  GetBucketVersioningCommand,
  PutBucketLifecycleConfigurationCommand,
  type LifecycleRule,
} from '@aws-sdk/client-s3'
import { REQUEST_TIMEOUT_MS, within } from '@parley/s3'
import { ask, nameOf, type Looking } from './bucket-findings.ts'

const ABANDONED_AFTER_DAYS = 2

/**
 * What this service cannot remove when it is not there, S3 should: parts that nobody joined. And what it removes should be
 * gone. None of it is needed to work: it is only said.
 */
export async function mindLeftovers(looking: Looking, { apply }: { apply: boolean }): Promise<void> {
  const { s3, settings, warn } = looking
  const versioning = await ask(
    looking,
    'whether it keeps old versions (s3:GetBucketVersioning)',
    s3.client.send(new GetBucketVersioningCommand({ Bucket: s3.bucket }), within(REQUEST_TIMEOUT_MS)),
  )
  if (typeof versioning !== 'string' && versioning.Status === 'Enabled') {
    warn(
      `Old versions are kept in ${nameOf(settings)}: files that were deleted stay there until a lifecycle rule removes them.`,
    )
  }

  const lifecycle = await ask(
    looking,
    'its lifecycle (s3:GetLifecycleConfiguration)',
    s3.client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: s3.bucket }), within(REQUEST_TIMEOUT_MS)),
  )
  if (lifecycle === 'unknown') return
  const rules = lifecycle === 'none' ? [] : (lifecycle.Rules ?? [])
  if (rules.some((rule) => removesAbandonedParts(rule, `${s3.prefix}pending/`))) return
  // There is no way to add one rule to others: what somebody else has changed meanwhile, or we do not know, would be lost.
  if (apply && rules.length === 0 && (await addRule(looking))) return
  warn(
    `Parts that nobody joined stay in ${nameOf(settings)} when this service is not there to remove them: ` +
      `add a lifecycle rule that aborts incomplete multipart uploads below ${s3.prefix}pending/ after ${ABANDONED_AFTER_DAYS} days.`,
  )
}

async function addRule(looking: Looking): Promise<boolean> {
  const { s3 } = looking
  const rule: LifecycleRule = {
    ID: 'abandoned-parts',
    Status: 'Enabled',
    Filter: { Prefix: `${s3.prefix}pending/` },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: ABANDONED_AFTER_DAYS },
  }
  const command = new PutBucketLifecycleConfigurationCommand({
    Bucket: s3.bucket,
    LifecycleConfiguration: { Rules: [rule] },
  })
  const added = await ask(
    looking,
    'a new lifecycle (s3:PutLifecycleConfiguration)',
    s3.client.send(command, within(REQUEST_TIMEOUT_MS)),
  )
  return typeof added !== 'string'
}

function removesAbandonedParts(rule: LifecycleRule, below: string): boolean {
  const { Status, AbortIncompleteMultipartUpload: aborts, Filter: filter } = rule
  const narrowed = filter?.Tag ?? filter?.And?.Tags?.[0] ?? filter?.ObjectSizeGreaterThan ?? filter?.ObjectSizeLessThan
  // Older rules have it themselves.
  const prefix = filter?.Prefix ?? filter?.And?.Prefix ?? (rule as { Prefix?: string }).Prefix ?? ''
  return Status === 'Enabled' && aborts !== undefined && narrowed === undefined && below.startsWith(prefix)
}

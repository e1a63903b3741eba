import {
  DeleteBucketCorsCommand,
  GetBucketCorsCommand,
  GetBucketLifecycleConfigurationCommand,
  PutBucketAclCommand,
  PutBucketCorsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  type CORSRule,
} from '@aws-sdk/client-s3'
import { ConfigError } from '@parley/runtime'
import { testS3 } from '@parley/testing'
import { openS3, type S3, type S3Settings } from '@parley/s3'
import { beforeAll, describe, expect, test } from 'vitest'
import { withRulesFor } from '../src/store/bucket-cors.ts'
import { listObjects } from '../src/store/objects.ts'
import { listGatherings } from '../src/store/parts.ts'
import { prepareBucket } from '../src/store/prepare-bucket.ts'
import { openS3Door } from './s3-door.ts'
import { everything, s3Settings } from './s3-for-test.ts'

// The first who asks for S3 waits until it has started.
beforeAll(async () => void (await testS3()))

const PAGE = 'https://chat.example.org'

describe('the bucket in development', () => {
  test('is made at the start, by several instances at once and again', async () => {
    const settings = await s3Settings({ bucket: missing() })
    using s3 = openS3(settings)
    const everyPage = { apply: true, allowedOrigins: ['*'] }
    await Promise.all([1, 2, 3].map(() => prepare(s3, settings, everyPage)))
    await prepare(s3, settings, everyPage)
    await expect(prepare(s3, settings, { apply: false, allowedOrigins: [PAGE] })).resolves.toEqual([])
  })

  test('gets rules for pages and for abandoned parts beside those that are there', async () => {
    const settings = await s3Settings({ prefix: 'parley/' })
    using s3 = openS3(settings)
    const others: CORSRule = { AllowedOrigins: ['https://*.example.org'], AllowedMethods: ['DELETE'], MaxAgeSeconds: 5 }
    await putRules(s3, [others])
    await prepare(s3, settings, { apply: true, allowedOrigins: [PAGE] })
    await prepare(s3, settings, { apply: true, allowedOrigins: [PAGE, 'https://other.example'] })
    const rules = await rulesOf(s3)
    expect(rules).toHaveLength(3)
    expect(rules).toContainEqual(expect.objectContaining(others))
    expect(rules[0]).toMatchObject({ AllowedOrigins: [PAGE] })
    expect(rules[0]?.AllowedMethods).toContain('DELETE')
    const { Rules } = await s3.client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: s3.bucket }))
    expect(Rules).toEqual([
      expect.objectContaining({
        Filter: { Prefix: 'parley/pending/' },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 },
      }),
    ])
  })

  test('keeps a lifecycle that somebody else has made, and hears what is missing there', async () => {
    const settings = await s3Settings()
    using s3 = openS3(settings)
    const rule = { ID: 'logs', Status: 'Enabled', Filter: { Prefix: 'logs/' }, Expiration: { Days: 3 } } as const
    const command = { Bucket: s3.bucket, LifecycleConfiguration: { Rules: [rule] } }
    await s3.client.send(new PutBucketLifecycleConfigurationCommand(command))
    const warnings = await prepare(s3, settings, { apply: true, allowedOrigins: ['*'] })
    expect(warnings).toEqual([expect.stringMatching(/incomplete multipart uploads below pending\//)])
    const { Rules } = await s3.client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: s3.bucket }))
    expect(Rules).toEqual([expect.objectContaining(rule)])
  })
})

describe('the bucket in production', () => {
  test('does when it is closed to the public and open to the pages, and nothing is left of the trial', async () => {
    const settings = await s3Settings({ prefix: 'a/b/' })
    using s3 = openS3(settings)
    await allow(s3, PAGE)
    const warnings = await prepare(s3, settings, { allowedOrigins: [PAGE] })
    expect(warnings).toEqual([expect.stringMatching(/multipart uploads below a\/b\/pending\/ after 2 days/)])
    expect(await everything(listObjects(s3))).toEqual([])
    expect(await everything(listGatherings(s3))).toEqual([])
  })

  test('is looked at without pages when none are named, which is said', async () => {
    const settings = await s3Settings()
    using s3 = openS3(settings)
    expect(await prepare(s3, settings, {})).toContainEqual(
      expect.stringMatching(/^MEDIA_ALLOWED_ORIGINS names no pages/),
    )
  })

  test('that keeps old versions is said to keep what was deleted', async () => {
    const settings = await s3Settings()
    using s3 = openS3(settings)
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await s3.client.send(new PutBucketVersioningCommand({ Bucket: s3.bucket, VersioningConfiguration }))
    expect(await prepare(s3, settings, {})).toContainEqual(
      expect.stringMatching(/^Old versions are kept in the bucket/),
    )
  })

  test.each<[what: string, changes: Partial<S3Settings>, sentence: RegExp]>([
    ['is not there', { bucket: missing() }, /^There is no such bucket: the bucket missing-\w+ at http:.*S3_BUCKET/],
    [
      'is not ours',
      { credentials: { accessKeyId: 'nobody', secretAccessKey: 'nothing' } },
      /^Access is denied to the bucket test-\w+ at http:.*credentials/,
    ],
    ['cannot be asked for', { endpoint: 'http://127.0.0.1:1' }, /^S3 cannot be asked for the bucket .*ECONNREFUSED/],
    [
      'is to be encrypted with a key that we may not use',
      { encryption: { algorithm: 'aws:kms', keyId: 'none' } },
      /does not let this service write below pending\/ .*: allow s3:PutObject, with its key: kms:GenerateDataKey/,
    ],
    [
      'cannot copy what it encrypts',
      { encryption: { algorithm: 'aws:kms', keyId: 'test-key' } },
      /^S3 answers 501 \(NotImplemented.*\) for the bucket .*S3_SSE\.$/,
    ],
  ])('stops the start with one sentence when it %s', async (_, changes, sentence) => {
    const settings = await s3Settings(changes)
    using s3 = openS3(settings)
    const preparing = prepare(s3, settings, {})
    await expect(preparing).rejects.toBeInstanceOf(ConfigError)
    await expect(preparing).rejects.toThrow(sentence)
  })

  test.each<[what: string, spoil: (s3: S3) => Promise<unknown>, sentence: RegExp]>([
    [
      'is public by its ACL',
      (s3) => s3.client.send(new PutBucketAclCommand({ Bucket: s3.bucket, ACL: 'public-read' })),
      /^The ACL of the bucket .* makes it public/,
    ],
    [
      'is open to all who have an account',
      (s3) => s3.client.send(new PutBucketAclCommand({ Bucket: s3.bucket, ACL: 'authenticated-read' })),
      /^The ACL of the bucket .* makes it public/,
    ],
    [
      'is public by its policy',
      (s3) => putPolicy(s3, { Effect: 'Allow', Action: 's3:GetObject', below: '/*' }),
      /^A policy makes the bucket .* public/,
    ],
    [
      'does not let us write thumbnails',
      (s3) => putPolicy(s3, denying('s3:PutObject', '/thumbnails/*')),
      /does not let this service write below thumbnails\/ in the bucket .*: allow s3:PutObject\.$/,
    ],
    [
      'does not let us delete',
      (s3) => putPolicy(s3, denying('s3:DeleteObject', '/ready/*')),
      /does not let this service delete below ready\/ .*: allow s3:DeleteObject\.$/,
    ],
    [
      'does not let us abandon parts',
      (s3) => putPolicy(s3, denying('s3:AbortMultipartUpload', '/*')),
      /does not let this service abandon a file in parts .*: allow s3:AbortMultipartUpload\.$/,
    ],
    [
      'does not let pages in',
      (s3) => s3.client.send(new DeleteBucketCorsCommand({ Bucket: s3.bucket })),
      /^Pages of https:\/\/chat\.example\.org may not GET to the bucket .*: add a CORS rule .*S3_BUCKET_SETUP=apply/,
    ],
    [
      'lets pages only read',
      (s3) => putRules(s3, [{ AllowedOrigins: [PAGE], AllowedMethods: ['GET'], AllowedHeaders: ['*'] }]),
      /^Pages of https:\/\/chat\.example\.org may not PUT to/,
    ],
    [
      'lets other pages in',
      (s3) => allow(s3, 'https://other.example'),
      /^Pages of https:\/\/chat\.example\.org may not/,
    ],
  ])('stops the start with one sentence when it %s', async (_, spoil, sentence) => {
    const settings = await s3Settings()
    using s3 = openS3(settings)
    await allow(s3, PAGE)
    await spoil(s3)
    const preparing = prepare(s3, settings, { allowedOrigins: [PAGE] })
    await expect(preparing).rejects.toBeInstanceOf(ConfigError)
    await expect(preparing).rejects.toThrow(sentence)
  })

  test.each([
    ['list', 's3:ListBucket', ''],
    ['read from', 's3:GetObject', '/*'],
    ['write to', 's3:PutObject', '/*'],
  ])('stops the start when everybody can %s it, also when S3 does not tell its policy', async (what, action, below) => {
    const settings = await s3Settings()
    await using door = await openS3Door(settings.endpoint)
    door.set(({ url }) => (/[?&](policyStatus|acl)\b/.test(url ?? '') ? 'forbidden' : 'open'))
    const behindDoor = { ...settings, endpoint: door.endpoint }
    using s3 = openS3(behindDoor)
    await putPolicy(s3, { Effect: 'Allow', Action: action, below })
    await expect(prepare(s3, behindDoor, {})).rejects.toThrow(new RegExp(`^Everybody can ${what} the bucket`))
    expect(await everything(listObjects(s3))).toEqual([])
  })

  test('stops the start when S3 copies content other than what was checked', async () => {
    const settings = await s3Settings()
    await using door = await openS3Door(settings.endpoint)
    door.set(({ headers }) => ('x-amz-copy-source' in headers ? 'copied' : 'open'))
    const behindDoor = { ...settings, endpoint: door.endpoint }
    using s3 = openS3(behindDoor)
    await expect(prepare(s3, behindDoor, {})).rejects.toThrow(/without minding x-amz-copy-source-if-match/)
  })

  test('of a server that knows no policies, rules and versions only leads to warnings', async () => {
    const settings = await s3Settings()
    await using door = await openS3Door(settings.endpoint)
    door.set(({ url, method }) =>
      method === 'OPTIONS' || /[?&](policyStatus|acl|cors|versioning|lifecycle|uploads)\b/.test(url ?? '')
        ? 'not-implemented'
        : 'open',
    )
    const behindDoor = { ...settings, endpoint: door.endpoint }
    using s3 = openS3(behindDoor)
    for (const apply of [true, false]) {
      const warnings = await prepare(s3, behindDoor, { apply, allowedOrigins: [PAGE] })
      expect(warnings).toHaveLength(6)
    }
    expect(await everything(listObjects(s3))).toEqual([])
  })
})

describe('rules for pages', () => {
  const rule = (AllowedOrigins: string[], ...AllowedMethods: string[]): CORSRule => ({ AllowedOrigins, AllowedMethods })

  test('are added once, and the rules of others stay', () => {
    const others = [rule(['https://a.example'], 'GET'), rule(['https://b.example'], 'GET')]
    const once = withRulesFor([PAGE], others)
    expect(once).toEqual([...others, expect.objectContaining({ AllowedOrigins: [PAGE] })])
    expect(withRulesFor([PAGE], once)).toEqual(once)
  })

  test('come before those that would otherwise be gone by', () => {
    const others = [rule(['https://*'], 'DELETE'), rule(['*'], 'HEAD')]
    const [first, ...rest] = withRulesFor([PAGE], others)
    expect(first).toMatchObject({ AllowedOrigins: [PAGE] })
    expect(first?.AllowedMethods?.toSorted()).toEqual(['DELETE', 'GET', 'HEAD', 'POST', 'PUT'])
    expect(rest).toEqual(others)
    expect(withRulesFor(['*'], [rule(['*'], 'GET')])).toHaveLength(2)
  })
})

/** What was warned of. */
async function prepare(
  s3: S3,
  settings: S3Settings,
  setup: { apply?: boolean; allowedOrigins?: readonly string[] },
): Promise<string[]> {
  const warnings: string[] = []
  const log = { warn: (...given: unknown[]) => void warnings.push(String(given.at(-1))) }
  await prepareBucket(s3, settings, { apply: false, allowedOrigins: [], ...setup, log })
  return warnings
}

const missing = () => `missing-${process.pid}${Math.trunc(performance.now() * 1_000)}`

const allow = (s3: S3, origin: string) => putRules(s3, withRulesFor([origin], []))

async function putRules(s3: S3, CORSRules: CORSRule[]): Promise<void> {
  await s3.client.send(new PutBucketCorsCommand({ Bucket: s3.bucket, CORSConfiguration: { CORSRules } }))
}

async function rulesOf(s3: S3): Promise<CORSRule[]> {
  return (await s3.client.send(new GetBucketCorsCommand({ Bucket: s3.bucket }))).CORSRules ?? []
}

interface Statement {
  readonly Effect: 'Allow' | 'Deny'
  readonly Action: string
  readonly below: string
}

const denying = (Action: string, below: string): Statement => ({ Effect: 'Deny', Action, below })

async function putPolicy(s3: S3, { Effect, Action, below }: Statement): Promise<void> {
  const statement = { Effect, Action, Principal: '*', Resource: `arn:aws:s3:::${s3.bucket}${below}` }
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  await s3.client.send(new PutBucketPolicyCommand({ Bucket: s3.bucket, Policy }))
}

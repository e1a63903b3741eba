import { HeadObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { openAnonymously, REQUEST_TIMEOUT_MS, within } from '@parley/s3'
import { v4 as uuidv4 } from 'uuid'
import { causeOf, statusOf } from './answers.ts'
import { fail, isNotImplemented, nameOf, type Looking } from './bucket-findings.ts'
import { copyObject } from './copy-object.ts'
import { findObject, listObjects, putObject, removeObject } from './objects.ts'
import { abandonParts, beginParts, listGatherings, listParts } from './parts.ts'

const TYPE = 'application/octet-stream'

/** Does once what will be done with files, and sees that nobody else can. What it makes for that, it removes. */
export async function tryBucket(looking: Looking): Promise<void> {
  const { s3 } = looking
  const id = `trial-${uuidv4()}`
  const pending = `pending/${id}`
  const all = [pending, `ready/${id}`, `thumbnails/${id}`]
  try {
    await attempt(looking, 'list it', 's3:ListBucket', listObjects(s3, 1).next())
    for (const key of all) await tryObject(looking, key)
    await assertClosed(looking, pending)
    await tryCopy(looking, pending, `ready/${id}`)
    await tryParts(looking, pending)
  } catch (error) {
    await Promise.allSettled(all.map((key) => removeObject(s3, key)))
    throw error
  }
  for (const key of all) {
    await attempt(looking, `delete below ${folderOf(s3, key)}`, 's3:DeleteObject', removeObject(s3, key))
  }
}

async function tryObject(looking: Looking, key: string): Promise<void> {
  const { s3 } = looking
  const there = `below ${folderOf(s3, key)}`
  const content = new TextEncoder().encode(key)
  const encryption = s3.encryption ? ', with its key: kms:GenerateDataKey and kms:Decrypt' : ''
  await attempt(looking, `write ${there}`, `s3:PutObject${encryption}`, putObject(s3, key, content, { type: TYPE }))
  await attempt(looking, `read ${there}`, 's3:GetObject', findObject(s3, key))
}

async function tryCopy(looking: Looking, from: string, to: string): Promise<void> {
  const { s3 } = looking
  const { etag } =
    (await findObject(s3, from)) ?? fail(`What is written to ${nameOf(looking.settings)} does not stay there.`)
  const copying = copyObject(s3, from, to, etag, { type: TYPE })
  const copied = await attempt(looking, `copy to ${folderOf(s3, to)}`, 's3:GetObject and s3:PutObject', copying)
  if (copied !== 'copied') fail(`What is written to ${nameOf(looking.settings)} cannot be copied: it is ${copied}.`)
  // Whose condition does not count, for them a client could put other content in place of what was checked.
  if ((await copyObject(s3, from, to, '"another"', { type: TYPE })) === 'copied') {
    fail(
      `S3 copies in ${nameOf(looking.settings)} without minding x-amz-copy-source-if-match: it cannot be used safely.`,
    )
  }
}

async function tryParts(looking: Looking, key: string): Promise<void> {
  const { s3, settings, warn } = looking
  try {
    const multipartId = await attempt(looking, 'begin a file in parts', 's3:PutObject', beginParts(s3, key, TYPE))
    await attempt(looking, 'list parts', 's3:ListMultipartUploadParts', listParts(s3, key, multipartId))
    await attempt(looking, 'list files in parts', 's3:ListBucketMultipartUploads', listGatherings(s3, 1).next())
    await attempt(looking, 'abandon a file in parts', 's3:AbortMultipartUpload', abandonParts(s3, key, multipartId))
  } catch (error) {
    if (!isNotImplemented(causeOf(error))) throw error
    warn(`S3 cannot take files in parts at ${nameOf(settings)}: let MEDIA_PARTS_ABOVE_BYTES be larger than any file.`)
  }
}

/** Who has signed nothing gets nothing. */
async function assertClosed({ s3, settings }: Looking, key: string): Promise<void> {
  using anonymous = openAnonymously(settings)
  const object = { Bucket: s3.bucket, Key: s3.prefix + key }
  const send = within(REQUEST_TIMEOUT_MS)
  const attempts = {
    list: () => anonymous.client.send(new ListObjectsV2Command({ Bucket: s3.bucket, MaxKeys: 1 }), send),
    'read from': () => anonymous.client.send(new HeadObjectCommand(object), send),
    'write to': () => anonymous.client.send(new PutObjectCommand({ ...object, Body: 'not ours' }), send),
  }
  for (const [what, attempted] of Object.entries(attempts)) {
    const succeeded = await attempted().then(() => true, refused)
    if (succeeded)
      fail(`Everybody can ${what} ${nameOf(settings)}. Close it: remove the policy or the ACL that allows it.`)
  }
}

/** Anything else says nothing about who may. */
function refused(error: unknown): false {
  const status = statusOf(error)
  if (status === undefined || status >= 500) throw error
  return false
}

async function attempt<Answer>(
  { settings }: Looking,
  what: string,
  permission: string,
  answer: Promise<Answer>,
): Promise<Answer> {
  try {
    return await answer
  } catch (thrown) {
    if (statusOf(causeOf(thrown)) !== 403) throw thrown
    const sentence = `S3 does not let this service ${what} in ${nameOf(settings)}: allow ${permission}.`
    return fail(sentence, thrown)
  }
}

const folderOf = (s3: { prefix: string }, key: string): string => `${s3.prefix}${key.slice(0, key.indexOf('/') + 1)}`

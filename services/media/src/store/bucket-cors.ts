import { GetBucketCorsCommand, PutBucketCorsCommand, type CORSRule } from '@aws-sdk/client-s3'
import { setTimeout as delay } from 'node:timers/promises'
import { REQUEST_TIMEOUT_MS, type S3, within } from '@parley/s3'
import { statusOf } from './answers.ts'
import { fail, isNotImplemented, nameOf, type Looking } from './bucket-findings.ts'
import { placesOf } from './signatures.ts'

const METHODS = ['GET', 'PUT', 'POST'] as const
const WANTED = {
  AllowedMethods: ['GET', 'HEAD', 'POST', 'PUT'],
  AllowedHeaders: ['*'],
  ExposeHeaders: ['ETag', 'Content-Length', 'Content-Range', 'Accept-Ranges', 'Content-Disposition'],
  MaxAgeSeconds: 3_600,
}

/** New rules may take a while to be known to all of S3. */
const KNOWN_WITHIN_MS = 10_000
const LOOK_EVERY_MS = 250

/** The pages of these origins may get, put and post: as a browser finds it, whoever answers it, S3 or a proxy before it. */
export async function assertAllowsPages(looking: Looking, origins: readonly string[]): Promise<void> {
  const [refused] = await refusedOf(looking, origins)
  if (refused === undefined) return
  const finding = `Pages of ${nameOfOrigin(refused.origin)} may not ${refused.method} to ${nameOf(looking.settings)}`
  if (await hasNoRules(looking)) {
    looking.warn(`${finding}, and its server has no CORS rules of buckets: see to it there.`)
    return
  }
  fail(
    `${finding}: add a CORS rule that allows that origin ${METHODS.join(', ')} with any header, ` +
      'start once with S3_BUCKET_SETUP=apply, or correct MEDIA_ALLOWED_ORIGINS.',
  )
}

/** The same, and where it is not so, adds rules. Those that are there stay. */
export async function allowPages(looking: Looking, origins: readonly string[]): Promise<void> {
  const until = performance.now() + KNOWN_WITHIN_MS
  for (;;) {
    const refused = new Set((await refusedOf(looking, origins)).map(({ origin }) => origin))
    if (refused.size === 0) return
    if (performance.now() > until || !(await addRules(looking, [...refused]))) break
    await delay(LOOK_EVERY_MS)
  }
  await assertAllowsPages(looking, origins)
}

async function refusedOf(looking: Looking, origins: readonly string[]): Promise<{ origin: string; method: string }[]> {
  const places = await placesOf(looking.s3, 'pending/any')
  const asked = origins.flatMap((origin) => METHODS.map((method) => ({ origin, method })))
  const allowed = await Promise.all(
    asked.map(async ({ origin, method }) => {
      for (const place of places) if (await allows(place, origin, method)) return true
      return false
    }),
  )
  return asked.filter((_, index) => !allowed[index])
}

/** Asks as a browser does. */
async function allows(place: string, origin: string, method: string): Promise<boolean> {
  // Where every origin is allowed, one is that nobody has heard of.
  const asking = origin === '*' ? 'https://any.invalid' : origin
  const response = await fetch(place, {
    method: 'OPTIONS',
    headers: {
      origin: asking,
      'access-control-request-method': method,
      'access-control-request-headers': 'content-type',
    },
    redirect: 'manual',
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  }).catch(() => undefined)
  await response?.body?.cancel()
  if (response?.ok !== true) return false
  const said = (name: string) =>
    (response.headers.get(`access-control-allow-${name}`) ?? '').split(',').map((value) => value.trim().toLowerCase())
  const names = (name: string, value: string) => said(name).some((each) => each === '*' || each === value.toLowerCase())
  return names('origin', asking) && names('methods', method) && names('headers', 'content-type')
}

/** Answers false when the server has nothing of the kind. */
async function addRules({ s3, settings }: Looking, origins: readonly string[]): Promise<boolean> {
  const bucket = { Bucket: s3.bucket }
  try {
    const rules = await rulesOf(s3)
    const CORSRules = withRulesFor(origins, rules)
    if (CORSRules.length === rules.length) return true
    const command = new PutBucketCorsCommand({ ...bucket, CORSConfiguration: { CORSRules } })
    await s3.client.send(command, within(REQUEST_TIMEOUT_MS))
    return true
  } catch (error) {
    if (isNotImplemented(error)) return false
    // Another instance does the same now.
    if (statusOf(error) === 409) return true
    if (statusOf(error) !== 403) throw error
    const sentence = `S3 does not let this service add CORS rules to ${nameOf(settings)}`
    return fail(
      `${sentence}: allow s3:GetBucketCORS and s3:PutBucketCORS, or add them and leave out S3_BUCKET_SETUP.`,
      error,
    )
  }
}

async function rulesOf(s3: S3): Promise<CORSRule[]> {
  try {
    const command = new GetBucketCorsCommand({ Bucket: s3.bucket })
    return (await s3.client.send(command, within(REQUEST_TIMEOUT_MS))).CORSRules ?? []
  } catch (error) {
    if (statusOf(error) === 404) return []
    throw error
  }
}

const hasNoRules = ({ s3 }: Looking): Promise<boolean> => rulesOf(s3).then(() => false, isNotImplemented)

/**
 * Servers go by the first rule that is meant for an origin: a new one stands before it, and allows what others have allowed
 * that origin so far.
 */
export function withRulesFor(origins: readonly string[], rules: readonly CORSRule[]): CORSRule[] {
  const all = [...rules]
  for (const origin of origins) {
    const meant = all.filter((rule) => isMeantFor(rule, origin))
    const [first] = meant
    if (first !== undefined && isEnough(first)) continue
    all.splice(first === undefined ? all.length : all.indexOf(first), 0, ruleFor(origin, meant))
  }
  return all
}

function ruleFor(origin: string, others: readonly CORSRule[]): CORSRule {
  const union = (own: readonly string[], more: (rule: CORSRule) => string[] | undefined) => [
    ...new Set([...own, ...others.flatMap((rule) => more(rule) ?? [])]),
  ]
  return {
    ...WANTED,
    AllowedOrigins: [origin],
    AllowedMethods: union(WANTED.AllowedMethods, (rule) => rule.AllowedMethods),
    ExposeHeaders: union(WANTED.ExposeHeaders, (rule) => rule.ExposeHeaders),
  }
}

const isEnough = ({ AllowedMethods, AllowedHeaders }: CORSRule): boolean =>
  METHODS.every((method) => AllowedMethods?.includes(method) === true) && AllowedHeaders?.includes('*') === true

function isMeantFor({ AllowedOrigins = [] }: CORSRule, origin: string): boolean {
  return AllowedOrigins.some((pattern) => {
    const [start = '', end] = pattern.split('*')
    if (end === undefined) return pattern === origin
    return origin.length >= start.length + end.length && origin.startsWith(start) && origin.endsWith(end)
  })
}

const nameOfOrigin = (origin: string): string => (origin === '*' ? 'other origins' : origin)

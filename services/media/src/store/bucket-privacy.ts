import { GetBucketAclCommand, GetBucketPolicyStatusCommand } from '@aws-sdk/client-s3'
import { REQUEST_TIMEOUT_MS, within } from '@parley/s3'
import { ask, fail, nameOf, type Looking } from './bucket-findings.ts'

const EVERYBODY = [
  'http://acs.amazonaws.com/groups/global/AllUsers',
  'http://acs.amazonaws.com/groups/global/AuthenticatedUsers',
]

/** What the bucket says of itself. What an anonymous request gets in fact is seen when the bucket is tried. */
export async function assertNotPublic(looking: Looking): Promise<void> {
  const { s3, settings } = looking
  const bucket = { Bucket: s3.bucket }
  // First: servers count it among the policies.
  const acl = await ask(
    looking,
    'whether its ACL makes it public (s3:GetBucketAcl)',
    s3.client.send(new GetBucketAclCommand(bucket), within(REQUEST_TIMEOUT_MS)),
  )
  if (typeof acl !== 'string' && acl.Grants?.some(({ Grantee }) => EVERYBODY.includes(Grantee?.URI ?? '')) === true) {
    fail(
      `The ACL of ${nameOf(settings)} makes it public. Make it private: only who has a signed link may read from there.`,
    )
  }
  const policy = await ask(
    looking,
    'whether a policy makes it public (s3:GetBucketPolicyStatus)',
    s3.client.send(new GetBucketPolicyStatusCommand(bucket), within(REQUEST_TIMEOUT_MS)),
  )
  if (typeof policy !== 'string' && policy.PolicyStatus?.IsPublic === true) {
    fail(`A policy makes ${nameOf(settings)} public. Remove it: only who has a signed link may read from there.`)
  }
}

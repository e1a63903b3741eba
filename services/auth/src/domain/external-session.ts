import { createHash } from 'node:crypto'

/** Names a session at an external issuer here: never as another issuer's, another user's or our own. */
export function externalSessionId({ issuer, subject, session }: { issuer: string; subject: string; session: string }) {
  const digest = createHash('sha256')
    .update(JSON.stringify([issuer, subject, session]))
    .digest('base64url')
  return `external-${digest}`
}

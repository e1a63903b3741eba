import type { Send } from './auth-system.ts'

export const SECRETS = [
  'the first secret of the exporter, long enough',
  'the second secret of the exporter, as long',
] as const

/** A service account as `AUTH_CLIENTS` has it. */
export const serviceAccount = (changes: object = {}) => ({
  client_id: 'exporter',
  client_name: 'Exporter',
  grant_types: ['client_credentials'],
  client_secrets: [...SECRETS],
  scope: 'chat:read chat:write',
  ...changes,
})

/** An app of somebody else. */
export const foreignApp = {
  client_id: 'calendar',
  client_name: 'Calendar',
  redirect_uris: ['https://calendar.example/callback'],
  first_party: false,
}
export const FOREIGN_REDIRECT_URI = 'https://calendar.example/callback'

export const asClient = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
})

/** Sends a form as a client does. */
export const post = (send: Send, path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  send(path, { method: 'POST', body: new URLSearchParams(fields), headers })

/** An access token of a service account. */
export async function serviceToken(send: Send, id = 'exporter', secret: string = SECRETS[0]): Promise<string> {
  const response = await post(send, '/oauth/token', { grant_type: 'client_credentials' }, asClient(id, secret))
  const { access_token: token } = (await response.json()) as { access_token: string }
  return token
}

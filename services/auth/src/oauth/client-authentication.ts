import { errors, type Client } from 'oidc-provider'
import type Provider from 'oidc-provider'

/** Who sends a form, as it says and, unless it is public, proves by a secret: in the form or by HTTP Basic (RFC 6749, 2.3). */
export async function authenticateClient(
  provider: Provider,
  form: Readonly<Record<string, string>>,
  authorization: string | undefined,
): Promise<Client> {
  const { client_id: id, client_secret: secret } = authorization === undefined ? form : credentialsOf(authorization)
  if (authorization !== undefined && (form['client_secret'] !== undefined || (form['client_id'] ?? id) !== id)) {
    throw new errors.InvalidRequest('client authentication must only be provided using one mechanism')
  }
  const client = id === undefined ? undefined : await provider.Client.find(id)
  if (client === undefined) throw new errors.InvalidClientAuth('client not found')
  const isPublic = client.tokenEndpointAuthMethod === 'none'
  const isProven = secret === undefined ? isPublic : !isPublic && (await client.compareClientSecret(secret))
  if (!isProven) throw new errors.InvalidClientAuth('the client did not prove who it is')
  return client
}

function credentialsOf(authorization: string): Record<string, string> {
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1] ?? ''
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? []
  if (id === undefined || secret === undefined) throw new errors.InvalidRequest('invalid authorization header')
  return { client_id: formDecoded(id), client_secret: formDecoded(secret) }
}

function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', '%20'))
  } catch {
    throw new errors.InvalidRequest('invalid authorization header')
  }
}

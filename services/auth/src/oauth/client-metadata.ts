import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { ConfigError } from '@parley/runtime'
import type Provider from 'oidc-provider'
import { errors, type Client, type ClientMetadata } from 'oidc-provider'
import { isServiceAccount, type OAuthClient } from '../domain/oauth-client.ts'

/** A client in the words of the library. */
export function metadataOf(client: OAuthClient): ClientMetadata {
  if (isServiceAccount(client)) {
    return {
      client_id: client.client_id,
      ...(client.client_name === undefined ? {} : { client_name: client.client_name }),
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'client_secret_basic',
      // It must have one. Nobody knows this one, and it is never compared: see `compareSecrets`.
      client_secret: randomBytes(32).toString('base64url'),
    }
  }
  const { first_party: _, ...metadata } = client
  return { ...metadata }
}

/** A client may have several secrets, of which only hashes are known. The time it takes tells nothing about them. */
export function compareSecrets(provider: Provider, clients: readonly OAuthClient[]): void {
  const hashesOf = new Map(
    clients
      .filter(isServiceAccount)
      .map(({ client_id: id, secretHashes }) => [id, secretHashes.map((hex) => Buffer.from(hex, 'hex'))]),
  )
  Object.assign(provider.Client.prototype, {
    compareClientSecret(this: Client, secret: string): boolean {
      const given = hash('sha256', secret, 'buffer')
      const known = hashesOf.get(this.clientId) ?? []
      return known.map((one) => timingSafeEqual(one, given)).includes(true)
    },
  })
}

/** The library would check a client's metadata when it is first used. */
export async function checkClients(provider: Provider, clients: readonly OAuthClient[]): Promise<void> {
  for (const { client_id: id } of clients) {
    try {
      await provider.Client.find(id)
    } catch (error) {
      if (!(error instanceof errors.OIDCProviderError)) throw error
      throw new ConfigError(`AUTH_CLIENTS is wrong: ${id}: ${error.error_description}.`)
    }
  }
}

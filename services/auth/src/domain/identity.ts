import { foldedName } from './folded-name.ts'

/** Who someone is according to an issuer. A user is known by these two and by nothing else: never by a name or an address. */
export interface Identity {
  readonly issuer: string
  readonly subject: string
}

/** In development a name is an identity, with no proof at all. */
export const developmentIdentity = (name: string): Identity => ({
  issuer: 'parley:development',
  subject: foldedName(name),
})

/** A service account has a user of its own. */
export const serviceAccountIdentity = (clientId: string): Identity => ({
  issuer: 'parley:service-account',
  subject: clientId,
})

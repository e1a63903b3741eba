import type { KoaContextWithOIDC } from 'oidc-provider'

/** Whether somebody has just shown who they are, and this request takes it up. With a consent that was answered comes the sign-in of before it. */
export const isSigningIn = ({ oidc: { result } }: KoaContextWithOIDC): boolean =>
  result?.login !== undefined && result.consent === undefined

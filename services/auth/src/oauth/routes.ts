/** Where clients find what: everything below `/oauth/` and `/.well-known/`, which the gateway passes on as it is. */
export const routes = {
  authorization: '/oauth/authorize',
  token: '/oauth/token',
  jwks: '/oauth/jwks',
  revocation: '/oauth/revocation',
  introspection: '/oauth/introspection',
  end_session: '/oauth/end-session',
  userinfo: '/oauth/userinfo',
} as const

/** Pages for people: the id of what they are asked follows. */
export const SIGN_IN_PATH = '/oauth/sign-in'
export const CONSENT_PATH = '/oauth/consent'

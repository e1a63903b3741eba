const MINUTE_SECONDS = 60
const DAY_SECONDS = 24 * 60 * MINUTE_SECONDS

export const ACCESS_TOKEN_SECONDS = 10 * MINUTE_SECONDS

/** How long each thing the provider hands out is good for, in seconds. */
export const lifetimes = {
  AccessToken: ACCESS_TOKEN_SECONDS,
  AuthorizationCode: MINUTE_SECONDS,
  IdToken: 60 * MINUTE_SECONDS,
  /** From the request of a client to the end of the sign-in. */
  Interaction: 30 * MINUTE_SECONDS,
  /** A browser stays signed in for this long after it was last sent here. Tokens without `offline_access` end with it. */
  Session: 180 * DAY_SECONDS,
  /** A client stays signed in while it comes back within this time ... */
  RefreshToken: 30 * DAY_SECONDS,
  /** ... and not longer than this without sending the browser here again. */
  Grant: 180 * DAY_SECONDS,
} as const

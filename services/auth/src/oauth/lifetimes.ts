const MINUTE_SECONDS = 60
const DAY_SECONDS = 24 * 60 * MINUTE_SECONDS

export const ACCESS_TOKEN_SECONDS = 10 * MINUTE_SECONDS

/**
 * A spent refresh token shown again this soon after its first use gets the same successor again: the answer was lost, or two
 * tabs refreshed at once. Later, someone else has it.
 */
export const REFRESH_FORGIVENESS_SECONDS = 30

/** A key is published for so long before it signs, that everybody who keeps the published keys for a while knows it by then. */
export const KEY_AHEAD_SECONDS = 15 * MINUTE_SECONDS

/** ... and for so long after the next one signs in its place: all of its tokens have ended, also those of an instance that was cut off. */
export const KEY_AFTER_SECONDS = DAY_SECONDS

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

import { MAX_EXTERNAL_TOKEN_HOURS } from '@parley/contracts'
import { ACCESS_TOKEN_SECONDS } from '../oauth/lifetimes.ts'

/** What clocks may differ by, and what gateways take a token for longer than it says. */
const OWN_MARGIN_SECONDS = 2 * 60
const EXTERNAL_MARGIN_SECONDS = 5 * 60

/** From now on so long a token may be shown that was issued by now. */
export const ownTokenSeconds = ACCESS_TOKEN_SECONDS + OWN_MARGIN_SECONDS
export const externalTokenSeconds = MAX_EXTERNAL_TOKEN_HOURS * 60 * 60 + EXTERNAL_MARGIN_SECONDS

/**
 * The issuer of an external session goes on issuing tokens of it, and each time one is used the revocation must still hold for
 * its whole life. Two lives: so it is renewed once a life at most.
 */
export const externalSessionSeconds = 2 * externalTokenSeconds

export const untilSeconds = (expiresAt: Date): number =>
  Math.ceil((expiresAt.getTime() - Date.now()) / 1_000) + OWN_MARGIN_SECONDS

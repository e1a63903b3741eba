import { Time, UserId } from '@parley/protocol'
import { z } from 'zod'

/** Gateways refuse tokens of external issuers that live longer: their revocations could not be forgotten. */
export const MAX_EXTERNAL_TOKEN_HOURS = 24

/** Access tokens that are good no more, though they have not expired. */
export const Revocation = z.object({
  /** Higher by one with each revocation, and heard in this order: who knows all up to a position asks for what comes after it. */
  position: z.int().min(1),
  userId: UserId,
  /** Those of one session; one token, by its `jti`; or, without both, those of the user that name no session and were issued until `at`. */
  sessionId: z.string().optional(),
  tokenId: z.string().optional(),
  at: Time,
  /** From then on none of these tokens is left: the revocation can be forgotten. */
  forgottenAt: Time,
})
export type Revocation = z.infer<typeof Revocation>

/** For all gateways: what was revoked just now, or nothing, and then only how far revocations have come. */
export const RevocationNotice = z.object({
  /** Of the newest revocation; 0 when there has been none. */
  position: z.int().min(0),
  revocations: z.array(Revocation),
})
export type RevocationNotice = z.infer<typeof RevocationNotice>

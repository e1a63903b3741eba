import type { auth, PayloadOf } from '@parley/contracts'

/** Why a session ended before its time. */
export type EndReason = PayloadOf<typeof auth.events.sessionRevoked>['reason']

/**
 * A session is a user signed in to one app in one browser; they see it as a device. Its id is the `sid` of its access tokens
 * and the id of the provider's grant, from which all its tokens come. At an external issuer, a session is what that says.
 */
export interface Sessions {
  /**
   * Notes that a session begins. Once it exists, only its last use and name are noted. False when it has ended, or when the
   * browser that it would come from has been signed out meanwhile: then it does not begin.
   */
  begin(session: {
    readonly id: string
    readonly userId: string
    /** The OAuth client; for a session at an external issuer, the issuer. */
    readonly client: string
    /** As far as it could be told: the app and what it runs on. */
    readonly name: string | null
    /** The browser (its `uid`) whose earlier sign-in it comes from; null when somebody has just signed in. */
    readonly browserId: string | null
  }): Promise<boolean>
  /** Notes that it got or renewed a token now. False when it has ended, or is not known. */
  use(sessionId: string): Promise<boolean>
  /**
   * Notes that a token of a session at an external issuer is used. One that has ended here stays so, and gateways go on
   * refusing it for as long as its issuer gives out tokens.
   */
  recognize(session: { readonly id: string; readonly userId: string; readonly issuer: string }): Promise<void>
  /**
   * Ends it for good, with all that the provider keeps of it: its refresh tokens are gone when this resolves, and gateways
   * refuse its access tokens and close its connections within 2 seconds. False when it had ended, or is not known. Removed by
   * somebody, its browser is signed out too, with what else is signed in by it: unless the session `spare` is.
   */
  end(
    sessionId: string,
    reason: EndReason,
    by?: { readonly actorId?: string | null; readonly spare?: string | null },
  ): Promise<boolean>
  /** The same for all sessions of a user, but one. Also tokens that name no session are good no more. Answers how many ended. */
  endAllOf(
    userId: string,
    reason: EndReason,
    options?: {
      readonly except?: string | null
      readonly actorId?: string | null
      /** Tokens that name no session stay good. */
      readonly onlySessions?: boolean
    },
  ): Promise<number>
  /** One access token is good no more. Its session goes on. */
  revokeToken(token: {
    readonly userId: string
    readonly tokenId: string
    readonly expiresAt: Date
    readonly reason: EndReason
  }): Promise<void>
}

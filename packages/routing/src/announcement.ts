/** What a gateway says of itself to all senders every 2 seconds, and at once when it changes. */
export interface Announcement {
  /** New at every start of the process, and after a lapsed lease. */
  readonly gatewayId: number
  /** The epochs of Redis under which everything was registered, as one string: see `epochs.ts`. */
  readonly redisEpoch: string
  /** False while what Redis holds of this gateway may not be whole. */
  readonly registered: boolean
}

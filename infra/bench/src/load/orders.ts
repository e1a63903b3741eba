/** What a load process is told, and what it answers. Times are of the monotonic clock that all processes share, in ns. */
export type Order =
  | {
      readonly do: 'prepare'
      readonly ports: readonly number[]
      readonly localAddress: string
      /** Users of the hub, by the issuer's private key; without it, plain WebSockets. */
      readonly signing: {
        readonly issuer: string
        readonly privateKey: string
        readonly userIds: readonly string[]
      } | null
      readonly count: number
      readonly atOnce: number
    }
  | { readonly do: 'connect' }
  /** From now on, count the clients that hear this. */
  | { readonly do: 'listen'; readonly marker: string }
  /** The first client sends a message. */
  | { readonly do: 'send'; readonly input: object }
  | { readonly do: 'tell' }
  | { readonly do: 'stop' }

export type Answer =
  | { readonly told: 'prepared' }
  | { readonly told: 'listening' }
  | { readonly told: 'connected'; readonly triedAgain: number }
  | { readonly told: 'sent'; readonly atNs: string }
  | { readonly told: 'heard'; readonly count: number; readonly lastAtNs: string; readonly lost: number }

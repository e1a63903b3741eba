/** A user's hash, read: see `presence-scripts.ts`. */
export interface UserConnections {
  /** The gateways that hold a connection of the user; some may be dead. */
  readonly gatewayIds: ReadonlySet<number>
  /** Whether the last decision was that the user is online. */
  readonly decidedOnline: boolean
  readonly lastSeenAt: Date | null
}

export function readUserConnections(hash: Readonly<Record<string, string>>): UserConnections {
  const connections = Object.entries(hash).filter(([field]) => !field.startsWith('#'))
  const lastSeenMs = hash['#l']
  return {
    gatewayIds: new Set(connections.map(([, value]) => Number.parseInt(value, 10))),
    decidedOnline: hash['#s'] === '1',
    lastSeenAt: lastSeenMs === undefined ? null : new Date(Number(lastSeenMs)),
  }
}

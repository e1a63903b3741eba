/**
 * Every key that Parley keeps in Redis for routing and presence. A key's hash tag names its bucket, so that whatever one
 * script or pipeline touches lies in one slot of a Redis Cluster, and the buckets spread over its nodes. Nothing is ever
 * looked for with KEYS. Redis must not evict (`maxmemory-policy noeviction`): a loss is noticed by the bucket's epoch.
 *
 * | Key | Type | Lifetime | Size |
 * |---|---|---|---|
 * | `{<bucket>}:epoch` | string | for ever | 64 in all |
 * | `{<bucket>}:topic:<topic>` | set of integers: the gateways with interest | until its last gateway leaves | about 140 bytes, 8 to 16 for each further gateway |
 * | `{<bucket>}:user:<userId>` | hash: connections, and what was last said of the user | 10 min after offline | about 190 bytes with one connection, 80 for each further one |
 * | `{<bucket>}:gateway:<gatewayId>` | set: the users connected to that gateway | until the gateway's end is swept | about 95 bytes per user |
 * | `{<bucket>}:due` | zset: users by the time at which to look at them again | an entry lives until it is settled | about 145 bytes per user who just came or went |
 * | `{<bucket>}:seen` | zset: users by the time they were last seen, not yet in Postgres | an entry lives about a minute | about 145 bytes per user who just went |
 * | `{<bucket>}:seen-flushed` | string | 1 min | at most 64 |
 * | `{<bucket>}:ticket:<ticketId>` | string: the connection that was opened with it | 2 min | about 150 bytes per ticket used |
 * | `{gateway:<gatewayId>}:lease` | string: where other gateways reach it, a URL | 15 s, renewed every 5 s | one per gateway |
 * | `gateways` | set of integers: gateways that may have connections | until swept | one per gateway |
 */
export const BUCKETS = 64

export const redisKeys = {
  epoch: (bucket: number) => `{${bucket}}:epoch`,
  topic: (topic: string) => `{${bucketOf(topic)}}:topic:${topic}`,
  user: (userId: string) => `{${bucketOf(userId)}}:user:${userId}`,
  gatewayUsers: (bucket: number, gatewayId: number) => `{${bucket}}:gateway:${gatewayId}`,
  due: (bucket: number) => `{${bucket}}:due`,
  seen: (bucket: number) => `{${bucket}}:seen`,
  seenFlushed: (bucket: number) => `{${bucket}}:seen-flushed`,
  ticket: (ticketId: string) => `{${bucketOf(ticketId)}}:ticket:${ticketId}`,
  lease: (gatewayId: number) => `{gateway:${gatewayId}}:lease`,
  gateways: 'gateways',
}

/** FNV-1a: cheap, and the same in every process for ever. */
export function bucketOf(name: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193)
  return (hash >>> 0) % BUCKETS
}

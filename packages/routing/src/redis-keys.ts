import { compactId } from './compact-id.ts'

/**
 * Every key that Parley keeps in Redis for routing and presence. A key's hash tag names its bucket, so that whatever one
 * script or pipeline touches lies in one slot of a Redis Cluster, and the buckets spread over its nodes. Nothing is ever
 * looked for with KEYS. Redis must not evict (`maxmemory-policy noeviction`): a loss is noticed by the bucket's epoch.
 * Ids of users, conversations and connections are compact in keys, fields and members: see `compact-id.ts`. A user with one
 * connection takes 290 bytes in all; the sizes are as measured, with Redis's own tables.
 *
 * | Key | Type | Lifetime | Size |
 * |---|---|---|---|
 * | `{<bucket>}:epoch` | string | for ever | 64 in all |
 * | `{<bucket>}:c:<conversationId>`, `{<bucket>}:u:<userId>` | set of integers: the gateways with interest in the topic | until its last gateway leaves | 105 bytes, about 16 for each further gateway |
 * | `{<bucket>}:user:<userId>` | hash: connections, the state that was decided, the status that was chosen: see `user-hash.ts` | 10 min after offline | 185 bytes with one connection, 65 for each further one, about 20 more when it is lost or a status is chosen, and the text |
 * | `{<bucket>}:gateway:<gatewayId>` | set: the users connected to that gateway | until the gateway's end is swept | 72 bytes per user |
 * | `{<bucket>}:due` | zset: users by the time at which to look at them again: now, when a grace or a status ends | an entry lives until it is settled | 120 bytes per user who just came or went, or whose status has an end |
 * | `{<bucket>}:seen` | zset: users by the time they were last seen, not yet in Postgres | an entry lives about a minute | 120 bytes per user who just went |
 * | `{<bucket>}:seen-flushed` | string | 1 min | at most 64 |
 * | `{<bucket>}:ticket:<ticketId>` | string: the connection that was opened with it | 2 min | about 150 bytes per ticket used |
 * | `{gateway:<gatewayId>}:lease` | string: where other gateways reach it, a URL | 15 s, renewed every 5 s | one per gateway |
 * | `gateways` | set of integers: gateways that may have connections | until swept | one per gateway |
 * | `dead-interest` | hash: how far the search for dead gateways in topics is, and whose it is: see `dead-interest.ts` | for ever | one |
 */
export const BUCKETS = 64

export const redisKeys = {
  epoch: (bucket: number) => `{${bucket}}:epoch`,
  topic: (topic: string) => `{${bucketOf(topic)}}:${topic.slice(0, 2)}${compactId(topic.slice(2))}`,
  user: (userId: string) => `{${bucketOf(userId)}}:user:${compactId(userId)}`,
  gatewayUsers: (bucket: number, gatewayId: number) => `{${bucket}}:gateway:${gatewayId}`,
  due: (bucket: number) => `{${bucket}}:due`,
  seen: (bucket: number) => `{${bucket}}:seen`,
  seenFlushed: (bucket: number) => `{${bucket}}:seen-flushed`,
  ticket: (ticketId: string) => `{${bucketOf(ticketId)}}:ticket:${ticketId}`,
  lease: (gatewayId: number) => `{gateway:${gatewayId}}:lease`,
  gateways: 'gateways',
  deadInterest: 'dead-interest',
  /** A pattern: the topics of all buckets. */
  anyTopic: '{*}:[cu]:*',
}

/** FNV-1a: cheap, and the same in every process for ever. */
export function bucketOf(name: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193)
  return (hash >>> 0) % BUCKETS
}

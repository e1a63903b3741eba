import { UserId } from '@parley/protocol'
import { z } from 'zod'

/**
 * What every owner of data about users answers to `retention`: it erases its part of a user, tells it, and looks for what
 * should be gone. Counts are by store and thing, such as `postgres.messages`, `s3.objects`, `jetstream.events`, `redis.keys`.
 */
export const Counts = z.record(z.string(), z.int())
export type Counts = z.infer<typeof Counts>

const cursor = z.string().max(1_000).nullable()

export const ErasePart = {
  request: z.object({
    userId: UserId,
    /** Of the answer before; null at first, and to begin anew: what is erased already is passed over. */
    cursor,
  }),
  reply: z.object({
    /** Of this answer alone. */
    counts: Counts,
    cursor,
    /**
     * `more`: ask again at once. `waiting`: for something that takes time, ask again in a while. `done`: nothing of the user is
     * left, but what a legal hold keeps, which is counted as `held.…`.
     */
    outcome: z.enum(['more', 'waiting', 'done']),
  }),
}

export const ExportPart = {
  request: z.object({ userId: UserId, cursor }),
  /** One page, within what NATS carries. */
  reply: z.object({
    /** By kind, such as `messages`. */
    records: z.array(z.object({ kind: z.string(), data: z.record(z.string(), z.json()) })),
    /** Files, each with a link that is good for some minutes; only from who keeps files. */
    files: z.array(z.object({ id: z.string(), name: z.string(), bytes: z.int(), url: z.string() })),
    /** Null: this was the last page. */
    cursor,
  }),
}

/** Something that should be gone and is there: in which store, what it is, and which. */
export const Finding = z.object({ store: z.string(), what: z.string(), id: z.string() })
export type Finding = z.infer<typeof Finding>

export const FindRemains = {
  request: z.object({
    /** Users whose erasure is done. */
    erasedUserIds: z.array(UserId).max(5_000),
    cursor,
  }),
  reply: z.object({
    /** Of what was looked at. */
    counts: Counts,
    findings: z.array(Finding).max(100),
    /** Null: everything was looked at. */
    cursor,
  }),
}

import type { Message } from '@parley/protocol'
import pg from 'pg'

/** What the database says of the order of a conversation's messages. */
export interface Audit {
  readonly conversations: number
  /** Conversations whose sequences have a gap or a repetition, or two messages with one version. */
  readonly broken: string[]
}

/** Looks into the tables of `messaging`, as an operator would. All messages must still be kept. */
export async function auditOrder(adminUrl: string): Promise<Audit> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ id: string; whole: boolean }>(`
      select c.id,
        coalesce(m.count, 0) = c.last_sequence
        and coalesce(m.first, 1) = 1
        and coalesce(m.last, 0) = c.last_sequence
        and coalesce(m.distinct_count, 0) = c.last_sequence
        and coalesce(m.distinct_versions, 0) = coalesce(m.count, 0)
        and coalesce(m.last_version, 0) <= c.version as whole
      from messaging.conversations c
      left join (
        select conversation_id, count(*), min(sequence) as first, max(sequence) as last,
          count(distinct sequence) as distinct_count, count(distinct created_version) as distinct_versions,
          max(created_version) as last_version
        from messaging.messages group by conversation_id) m on m.conversation_id = c.id`)
    return { conversations: rows.length, broken: rows.filter(({ whole }) => !whole).map(({ id }) => id) }
  } finally {
    await client.end()
  }
}

/** Whether messages were told once each and in the order of their sequence. */
export function isOnceAndInOrder(messages: readonly Message[]): boolean {
  return messages.every((message, index) => index === 0 || message.sequence === messages[index - 1]!.sequence + 1)
}

import { migrate, openPostgres } from '@parley/postgres'
import { systemClock } from '@parley/runtime'
import { silentLog, testDatabase } from '@parley/testing'
import { sql, type KyselyPlugin } from 'kysely'
import { v7 } from 'uuid'
import { markOf } from '../src/domain/receipts.ts'
import { sendOf } from '../src/domain/send.ts'
import { firstRules } from '../src/domain/periods.ts'
import { retentionBy } from '../src/retention.ts'
import { insertConversation, lockConversation, updateConversation } from '../src/store/conversations.ts'
import { joinMembers, removeMember, setMute, setRole } from '../src/store/members.ts'
import { markReceipts } from '../src/store/mark-receipts.ts'
import { updateMessage } from '../src/store/message-changes.ts'
import { createMonths } from '../src/store/months.ts'
import { sendGroup } from '../src/store/send-group.ts'
import type { ConversationRow, Db, Tables } from '../src/store/tables.ts'
import { migrations } from './world.ts'

export const retention = retentionBy(() => firstRules, systemClock)

/** A migrated database of its own, and nothing else. */
export async function openDatabase() {
  await using stack = new AsyncDisposableStack()
  const { url } = stack.use(await testDatabase('messaging'))
  await migrate({ url, service: 'messaging', folder: migrations, log: silentLog })
  const { db } = stack.use(openPostgres<Tables>({ url, service: 'test', log: silentLog }))
  await createMonths(db, { now: new Date(), ahead: 1 })
  const opened = stack.move()
  return { url, db, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

type Begun = Partial<Pick<ConversationRow, 'kind' | 'historyVisibility'>>

/** A conversation of these members, the first of them its owner. */
export function begin(db: Db, userIds: readonly string[], begun: Begun = {}): Promise<string> {
  const { kind = 'group', historyVisibility = 'joined' } = begun
  return db.transaction().execute(async (transaction) => {
    const conversation = (await insertConversation(transaction, {
      id: v7(),
      kind,
      title: null,
      historyVisibility,
      createdBy: userIds[0]!,
      creationHash: Buffer.alloc(0),
      memberCount: userIds.length,
    }))!
    const joining = userIds.map(
      (userId, index) => ({ userId, role: index === 0 ? 'owner' : 'member', version: 1 }) as const,
    )
    await joinMembers(transaction, conversation, joining, conversation.createdAt)
    return conversation.id
  })
}

/** Messages in one conversation; their ids. */
export async function say(
  db: Db,
  conversationId: string,
  senderId: string,
  said: readonly { readonly text?: string; readonly mentions?: string[] }[] = [{}],
): Promise<string[]> {
  const sends = said.map(({ text = 'x', mentions = [] }) =>
    sendOf(senderId, { conversationId, id: v7(), text, mentions }),
  )
  const options = { skipBusy: false, lockTimeoutMs: 1_000, at: retention.now() }
  const written = await sendGroup(db, sends, options)
  if (!('verdicts' in written) || written.verdicts.some(({ outcome }) => outcome !== 'accepted')) {
    throw new Error('not all was said')
  }
  return sends.map(({ message }) => message.id)
}

/** One change of a conversation, at its next version. */
function change(
  db: Db,
  conversationId: string,
  make: (transaction: Db, next: ConversationRow & { now: Date }) => Promise<Partial<ConversationRow>>,
): Promise<void> {
  return db.transaction().execute(async (transaction) => {
    const conversation = (await lockConversation(transaction, conversationId))!
    const version = conversation.version + 1
    const changed = await make(transaction, { ...conversation, version })
    await updateConversation(transaction, conversationId, { version, ...changed })
  })
}

export const edit = (db: Db, conversationId: string, messageId: string, text: string): Promise<void> =>
  change(db, conversationId, async (transaction, { version, now }) => {
    await updateMessage(transaction, messageId, { version, text, editedAt: now })
    return {}
  })

export const rename = (db: Db, conversationId: string, title: string): Promise<void> =>
  change(db, conversationId, async (_transaction, { version }) => ({ title, updatedVersion: version }))

export const join = (db: Db, conversationId: string, userId: string): Promise<void> =>
  change(db, conversationId, async (transaction, { version, memberCount, now, ...conversation }) => {
    await joinMembers(transaction, conversation, [{ userId, role: 'member', version }], now)
    return { memberCount: memberCount + 1 }
  })

export const leave = (db: Db, conversationId: string, userId: string): Promise<void> =>
  change(db, conversationId, async (transaction, { version, memberCount, now, ...conversation }) => {
    await removeMember(transaction, conversation, { userId, version }, now)
    return { memberCount: memberCount - 1 }
  })

export const promote = (db: Db, conversationId: string, userId: string): Promise<void> =>
  change(db, conversationId, async (transaction, { version }) => {
    await setRole(transaction, { conversationId, userId }, { role: 'admin', version })
    return {}
  })

/** So many more members, as if all had joined with the first. */
export async function seat(db: Db, conversationId: string, count: number): Promise<void> {
  await sql`
    insert into members (conversation_id, user_id, role, joined_at, joined_version, joined_sequence, visible_from_sequence,
      delivered_sequence, read_sequence)
    select ${conversationId}, gen_random_uuid(), 'member', now(), 1, 0, 1, 0, 0 from generate_series(1, ${count}::int)`.execute(
    db,
  )
  await db
    .updateTable('conversations')
    .set((eb) => ({ memberCount: eb('memberCount', '+', count) }))
    .where('id', '=', conversationId)
    .execute()
}

export async function markRead(db: Db, conversationId: string, userId: string, readSequence: number): Promise<void> {
  await markReceipts(db, [markOf({ conversationId, userId, deliveredSequence: 0, readSequence })])
}

export async function mute(db: Db, conversationId: string, userId: string): Promise<void> {
  const until = new Date(Date.now() + 60 * 60_000)
  await db.transaction().execute((transaction) => setMute(transaction, { conversationId, userId }, until))
}

/** As if all that was written had been written so much earlier, but the messages themselves. */
export async function age(db: Db, seconds: number): Promise<void> {
  const by = sql<Date>`${seconds} * interval '1 second'`
  await db
    .updateTable('members')
    .set({ raisedAt: sql`raised_at - ${by}`, joinedAt: sql`joined_at - ${by}` })
    .execute()
  await db
    .updateTable('conversations')
    .set({ lastMessageAt: sql`last_message_at - ${by}` })
    .execute()
  await db
    .updateTable('conversationReceipts')
    .set({ raisedAt: sql`raised_at - ${by}` })
    .execute()
}

/** The same database, and how many statements have been run through it; of transactions all but their beginning and end. */
export function counting(db: Db): { db: Db; queries: () => number } {
  let count = 0
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      count += 1
      return result
    },
  }
  return { db: db.withPlugin(plugin), queries: () => count }
}

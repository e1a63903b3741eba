import { storedEvents, type Bus } from '@parley/bus'
import { messaging } from '@parley/contracts'
import { conversationsOf, type LookedAt, type Looking } from '../store/remains.ts'
import type { Db } from '../store/tables.ts'

const AFTER_ALL = String(Number.MAX_SAFE_INTEGER)

/** Events of conversations of erased users, those that tell something of them among them. */
export async function* remainingEvents(bus: Bus, db: Db, looking: Looking): AsyncGenerator<LookedAt> {
  const erased = new Set(looking.erasedUserIds)
  const tells = (payload: unknown) => tellsOf(payload, erased)
  let { after } = looking
  for (;;) {
    const page = await conversationsOf(db, { ...looking, after })
    for (const id of page) {
      const from = after?.[0] === id ? Number(after[1]) : 0
      const which = { subject: `messaging.event.*.${id}`, isOf: tells }
      for await (const { sequence, isOf } of storedEvents(bus, messaging, which, from)) {
        const what = isOf ? 'an event of an erased user' : null
        yield { place: [id, String(sequence)], id: `MESSAGING ${sequence}`, what }
      }
      yield { place: [id, AFTER_ALL], id: null, what: null }
    }
    const last = page.at(-1)
    if (last === undefined || page.length < looking.limit) return
    after = [last, AFTER_ALL]
  }
}

interface Told {
  readonly message?: {
    readonly senderId?: string
    readonly text?: string
    readonly attachments?: readonly unknown[]
    readonly reactions?: readonly { readonly userIds: readonly string[] }[]
  }
  readonly member?: { readonly userId: string; readonly leftAt: string | null }
  readonly receipts?: readonly { readonly userId: string }[]
}

function tellsOf(payload: unknown, users: ReadonlySet<string>): boolean {
  const { message = {}, member, receipts = [] } = payload as Told
  const { senderId = '', text = '', attachments = [], reactions = [] } = message
  if (users.has(senderId) && text.length + attachments.length > 0) return true
  if (reactions.some(({ userIds }) => userIds.some((userId) => users.has(userId)))) return true
  if (member !== undefined && member.leftAt === null && users.has(member.userId)) return true
  return receipts.some(({ userId }) => users.has(userId))
}

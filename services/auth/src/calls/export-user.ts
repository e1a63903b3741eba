import type { Handler } from '@parley/bus'
import type { auth } from '@parley/contracts'
import { listAuditEntries } from '../store/audit-entries.ts'
import { listIdentities, listSessions, readProfile } from '../store/exported-users.ts'
import type { Db } from '../store/tables.ts'

const ENTRIES_PER_PAGE = 500

/** First the profile with its identities and sessions, then page by page what the audit log says about the user. */
export const exportUser =
  (db: Db): Handler<typeof auth.calls.exportUser> =>
  async ({ userId, cursor }) => {
    const before = cursor === null ? null : placeOf(cursor)
    const entries = await listAuditEntries(db, { userId, before, limit: ENTRIES_PER_PAGE })
    const last = entries.length < ENTRIES_PER_PAGE ? undefined : entries.at(-1)
    const records = entries.map((data) => ({ kind: 'audit', data: { ...data } }))
    return {
      records: cursor === null ? [...(await ownRecords(db, userId)), ...records] : records,
      files: [],
      cursor: last?.id ?? null,
    }
  }

async function ownRecords(db: Db, userId: string) {
  const profile = await readProfile(db, userId)
  const of = (kind: string) => (data: Record<string, string | boolean | null>) => ({ kind, data })
  return [
    ...(profile === undefined ? [] : [of('profile')(profile)]),
    ...(await listIdentities(db, userId)).map(of('identities')),
    ...(await listSessions(db, userId)).map(of('sessions')),
  ]
}

function placeOf(cursor: string): number {
  const id = Number(cursor)
  if (!Number.isSafeInteger(id) || id < 1) throw new TypeError(`${cursor} is no cursor`)
  return id
}

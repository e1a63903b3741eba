import type { Handler } from '@parley/bus'
import type { auth } from '@parley/contracts'
import type { Db } from '../store/tables.ts'
import { listUsers } from '../store/users.ts'

export const getUsers =
  (db: Db): Handler<typeof auth.calls.getUsers> =>
  async ({ userIds }) => ({ users: await listUsers(db, userIds) })

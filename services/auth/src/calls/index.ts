import type { Bus, Callers, EventRecord, Handlers } from '@parley/bus'
import type { auth, media } from '@parley/contracts'
import type { Outbox } from '@parley/postgres'
import type { AuditLog } from '../audit/audit-log.ts'
import type { OAuth } from '../oauth/open-oauth.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { SignIn } from '../sign-in.ts'
import type { Db } from '../store/tables.ts'
import { eraseUser } from './erase-user.ts'
import { exportUser } from './export-user.ts'
import { findRemains } from './find-remains.ts'
import { findUsers } from './find-users.ts'
import { getMe } from './get-me.ts'
import { getUsers } from './get-users.ts'
import { listAuditEntries } from './list-audit-entries.ts'
import { listDevices } from './list-devices.ts'
import { listRevocations } from './list-revocations.ts'
import { recognizeUser } from './recognize-user.ts'
import { removeDevice } from './remove-device.ts'
import { removeOtherDevices } from './remove-other-devices.ts'
import { signInForDevelopment } from './sign-in-for-development.ts'
import { signOutUser } from './sign-out-user.ts'
import { updateProfile } from './update-profile.ts'

export function createCalls(options: {
  db: Db
  bus: Bus
  outbox: Outbox<EventRecord>
  signIn: SignIn
  sessions: Sessions
  audit: AuditLog
  issueAccessToken: OAuth['issueAccessToken']
  mediaCalls: Pick<Callers<typeof media>, 'useAvatar'>
}) {
  const { db, bus, signIn, sessions, audit, issueAccessToken, mediaCalls } = options
  return {
    getMe: getMe(db),
    updateProfile: updateProfile(db, mediaCalls),
    findUsers: findUsers(db),
    getUsers: getUsers(db),
    listDevices: listDevices(db),
    removeDevice: removeDevice(db, sessions),
    removeOtherDevices: removeOtherDevices(sessions),
    signOutUser: signOutUser(db, sessions, audit),
    listAuditEntries: listAuditEntries(db, audit),
    recognizeUser: recognizeUser(db, signIn, sessions),
    listRevocations: listRevocations(db),
    eraseUser: eraseUser(options),
    exportUser: exportUser(db),
    findRemains: findRemains(db, bus),
    signInForDevelopment: signInForDevelopment({ signIn, sessions, audit, issueAccessToken }),
  } satisfies Handlers<typeof auth>
}

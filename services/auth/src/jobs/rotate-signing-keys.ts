import type { Logger } from '@parley/runtime'
import { KEY_AFTER_SECONDS, KEY_AHEAD_SECONDS } from '../oauth/lifetimes.ts'
import type { SigningKeyStore } from '../oauth/signing-keys.ts'
import { deleteRetiredSigningKeys } from '../store/signing-keys.ts'
import type { Db } from '../store/tables.ts'

/** A new key when the last one has signed for long enough, and away with those whose tokens have all ended. Any number of instances may do it. */
export async function rotateSigningKeys(options: {
  db: Db
  keys: SigningKeyStore
  afterDays: number
  log: Logger
}): Promise<void> {
  const { db, keys, afterDays, log } = options
  if (await keys.addWhenDue(afterDays)) log.info({ signsInSeconds: KEY_AHEAD_SECONDS }, 'added the next signing key')
  await deleteRetiredSigningKeys(db, KEY_AFTER_SECONDS)
}

import { openPostgres } from '@parley/postgres'
import { createLogger, logFatal } from '@parley/runtime'
import { openAuditLog } from '../audit/open-audit-log.ts'
import { readConfig } from '../config.ts'
import { KEY_AHEAD_SECONDS } from '../oauth/lifetimes.ts'
import { SigningKeyStore } from '../oauth/signing-keys.ts'
import type { Tables } from '../store/tables.ts'

/** By hand, out of turn. With `--at-once` because somebody else has a key: then all keys go, and what they signed. */
const log = createLogger({ service: 'auth', level: 'info' })
try {
  const { postgresUrl: url, secret } = readConfig(process.env)
  await using postgres = openPostgres<Tables>({ url, service: 'auth', log })
  const keys = new SigningKeyStore(postgres.db, secret, openAuditLog(postgres.db))
  const given = process.argv.slice(2)
  if (given.some((argument) => argument !== '--at-once')) throw new Error('the only argument there is: --at-once')
  const atOnce = given.includes('--at-once')
  const keyId = atOnce ? await keys.replaceAll() : await keys.add()
  log.info({ keyId, signsInSeconds: atOnce ? 0 : KEY_AHEAD_SECONDS }, 'added a signing key')
} catch (error) {
  logFatal(log, 'could not rotate the signing key', error)
  process.exitCode = 1
}

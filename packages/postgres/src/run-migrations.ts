import { createLogger, logFatal, readEnvironment, variables, type Environment } from '@parley/runtime'
import { migrate } from './migrate.ts'

/** What a service's `migrate.ts` does: the whole life of a process that migrates one schema and leaves. */
export async function runMigrations(service: string, folder: URL, environment: Environment): Promise<void> {
  const log = createLogger({ service, level: 'info' })
  try {
    const { POSTGRES_URL: url } = readEnvironment('', { POSTGRES_URL: variables.POSTGRES_URL }, environment)
    await migrate({ url, service, folder, log })
  } catch (error) {
    logFatal(log, 'could not migrate', error)
    process.exitCode = 1
  }
}

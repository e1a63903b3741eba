import { startPostgres } from '@parley/local'
import { serversOfRun } from './servers-of-run.ts'
import { startTestServer, type TestServer } from './test-server.ts'

/**
 * A Postgres server for this test alone, to be killed and restarted; about half a second. For anything else `testDatabase`
 * is cheaper: it shares one server with all tests. `testDatabaseOn(postgres.url, 'messaging')` makes a database on this one.
 */
export const testPostgres = (): Promise<TestServer> =>
  startTestServer('postgres', (options) =>
    startPostgres({ ...options, durable: false, programsDirectory: serversOfRun().postgresProgramsDirectory }),
  )

import { randomBytes } from 'node:crypto'
import { prepareDatabase } from '@parley/local'
import pg from 'pg'
import { serversOfRun } from './servers-of-run.ts'

export interface TestDatabase<Service extends string> extends AsyncDisposable {
  /** Connects as the role of the (first) service, which owns the schema of its name, its search_path, and nothing else. */
  readonly url: string
  /** The same for each service. */
  readonly urls: Readonly<Record<Service, string>>
  /** Connects to the same database as the superuser. */
  readonly adminUrl: string
}

/**
 * A fresh database for this test alone, with a schema per service in it; not migrated.
 * `await using database = await testDatabase('messaging')`, then `database.url`; with several services `database.urls.auth`.
 * Disposing drops it, whoever is still connected.
 */
export const testDatabase = <const Services extends readonly [string, ...string[]]>(
  ...services: Services
): Promise<TestDatabase<Services[number]>> => testDatabaseOn(serversOfRun().postgresUrl, ...services)

/** `testDatabase` on another server: one of `testPostgres`, which the test wants to kill. */
export async function testDatabaseOn<const Services extends readonly [string, ...string[]]>(
  postgresUrl: string,
  ...services: Services
): Promise<TestDatabase<Services[number]>> {
  type Service = Services[number]
  const database = `test_${randomBytes(6).toString('hex')}`
  const passwords = Object.fromEntries(services.map((service) => [service, 'test'])) as Record<Service, string>
  const urls = await prepareDatabase<Service>(postgresUrl, { database, services, passwords })
  return {
    url: urls[services[0] as Service],
    urls,
    adminUrl: Object.assign(new URL(postgresUrl), { pathname: `/${database}` }).href,
    async [Symbol.asyncDispose]() {
      const client = new pg.Client({ connectionString: postgresUrl })
      await client.connect()
      await client.query(`drop database if exists ${database} with (force)`)
      await client.end()
    },
  }
}

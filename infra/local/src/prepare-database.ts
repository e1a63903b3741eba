import pg from 'pg'

/** Any number; the same for all who prepare databases on a server, so that they do it one after another. */
const PREPARING = 7_275_391

/**
 * Makes the database, and in it a schema per service, owned by a login role of the same name that reaches nothing else.
 * What is there stays, except that the passwords become the given ones. Resolves with the URL of each service.
 */
export async function prepareDatabase<const Service extends string>(
  adminUrl: string,
  options: { database: string; services: readonly Service[]; passwords: Readonly<Record<Service, string>> },
): Promise<Record<Service, string>> {
  const { database, services, passwords } = options
  const url = Object.assign(new URL(adminUrl), { pathname: `/${encodeURIComponent(database)}` })
  await withClient(adminUrl, async (admin) => {
    await admin.query('select pg_advisory_lock($1)', [PREPARING])
    const { rowCount } = await admin.query('select from pg_database where datname = $1', [database])
    if (rowCount === 0) await admin.query(`create database ${pg.escapeIdentifier(database)}`)
    for (const service of services) await makeRole(admin, service, passwords[service])
    await withClient(url.href, (client) => makeSchemas(client, database, services))
  })
  return Object.fromEntries(
    services.map((service) => {
      const serviceUrl = new URL(url)
      serviceUrl.username = encodeURIComponent(service)
      serviceUrl.password = encodeURIComponent(passwords[service])
      return [service, serviceUrl.href]
    }),
  ) as Record<Service, string>
}

async function makeRole(admin: pg.Client, name: string, password: string): Promise<void> {
  const { rowCount } = await admin.query('select from pg_roles where rolname = $1', [name])
  const role = pg.escapeIdentifier(name)
  const verb = rowCount === 0 ? 'create' : 'alter'
  await admin.query(`${verb} role ${role} login nosuperuser password ${pg.escapeLiteral(password)}`)
}

async function makeSchemas(client: pg.Client, database: string, services: readonly string[]): Promise<void> {
  const name = pg.escapeIdentifier(database)
  await client.query(`revoke all on database ${name} from public; revoke all on schema public from public`)
  for (const service of services) {
    const role = pg.escapeIdentifier(service)
    await client.query(`
      grant connect on database ${name} to ${role};
      alter role ${role} in database ${name} set search_path = ${role};
      create schema if not exists ${role} authorization ${role};
    `)
  }
}

async function withClient<Result>(url: string, use: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

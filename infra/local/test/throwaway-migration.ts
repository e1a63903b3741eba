import pg from 'pg'

const client = new pg.Client({ connectionString: process.env['POSTGRES_URL'] })
await client.connect()
await client.query('create table if not exists notes (text text)')
await client.end()

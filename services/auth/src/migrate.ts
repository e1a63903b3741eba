import { runMigrations } from '@parley/postgres'

await runMigrations('auth', new URL('../migrations/', import.meta.url), process.env)

import { runMigrations } from '@parley/postgres'

await runMigrations('presence', new URL('../migrations/', import.meta.url), process.env)

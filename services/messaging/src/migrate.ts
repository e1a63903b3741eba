import { runMigrations } from '@parley/postgres'

await runMigrations('messaging', new URL('../migrations/', import.meta.url), process.env)

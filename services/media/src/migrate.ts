import { runMigrations } from '@parley/postgres'

await runMigrations('media', new URL('../migrations/', import.meta.url), process.env)

import { runMigrations } from '@parley/postgres'

await runMigrations('retention', new URL('../migrations/', import.meta.url), process.env)

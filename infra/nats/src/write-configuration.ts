import { writeFile } from 'node:fs/promises'
import { natsConfiguration } from './configuration.ts'

await writeFile(new URL('../nats.conf', import.meta.url), natsConfiguration())

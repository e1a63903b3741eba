import { runProcess } from '@parley/runtime'
import { readConfig } from './config.ts'
import { startPresence } from './service.ts'

await runProcess('presence', () => startPresence(readConfig(process.env)))

import { runProcess } from '@parley/runtime'
import { readConfig } from './config.ts'
import { startPresence } from './service.ts'

await runProcess('presence', process.env, (environment) => startPresence(readConfig(environment)))

import { runProcess } from '@parley/runtime'
import { readConfig } from './config.ts'
import { startAuth } from './service.ts'

await runProcess('auth', () => startAuth(readConfig(process.env)))

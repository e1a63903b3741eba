import { runProcess } from '@parley/runtime'
import { readConfig } from './config.ts'
import { startAuth } from './service.ts'

await runProcess('auth', process.env, (environment) => startAuth(readConfig(environment)))

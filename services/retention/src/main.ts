import { runProcess } from '@parley/runtime'
import { readConfig } from './config.ts'
import { startRetention } from './service.ts'

await runProcess('retention', process.env, (environment) => startRetention(readConfig(environment)))

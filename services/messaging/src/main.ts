import { runProcess } from '@parley/runtime'
import { readConfig } from './config.ts'
import { startMessaging } from './service.ts'

await runProcess('messaging', process.env, (environment) => startMessaging(readConfig(environment)))

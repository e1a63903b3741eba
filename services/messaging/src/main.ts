import { runProcess } from '@parley/runtime'
import { readConfig } from './config.ts'
import { startMessaging } from './service.ts'

await runProcess('messaging', () => startMessaging(readConfig(process.env)))

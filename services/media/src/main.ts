import { runProcess } from '@parley/runtime'
import { readConfig } from './config.ts'
import { startMedia } from './service.ts'

await runProcess('media', process.env, (environment) => startMedia(readConfig(environment)))

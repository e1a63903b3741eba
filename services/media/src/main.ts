import { constants, setPriority } from 'node:os'
import { runProcess } from '@parley/runtime'
import { readConfig } from './config.ts'
import { startMedia } from './service.ts'

// Where it shares a machine, checking files makes way for messages. The processes that it starts take this over.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL)

await runProcess('media', process.env, (environment) => startMedia(readConfig(environment)))

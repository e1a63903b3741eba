import { runProcess } from '@parley/runtime'
import { readConfig } from './config.ts'
import { startGateway } from './service.ts'

await runProcess('gateway', process.env, (environment) => startGateway(readConfig(environment)))

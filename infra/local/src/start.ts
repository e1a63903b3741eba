import { join } from 'node:path'
import { firstSteps, signInAlice } from './launch/first-steps.ts'
import { launch } from './launch/launch.ts'
import { showProgress } from './launch/progress.ts'
import { runUntilStopped } from './launch/run-until-stopped.ts'
import { parleyServices } from './launch/services.ts'
import { readSettings } from './launch/settings.ts'
import { stopRequest } from './launch/stop-request.ts'

const clone = join(import.meta.dirname, '../../..')
const environment = process.env
const progress = showProgress(process.stdout)
const signal = stopRequest(environment)

process.exitCode = await runUntilStopped({ progress, signal }, async () => {
  const settings = readSettings(environment)
  const publicUrl = `http://localhost:${settings.port}`
  const stages = parleyServices(clone, [settings.port, settings.port + 1])
  await using stack = new AsyncDisposableStack()
  const home = join(clone, '.parley')
  stack.use(await launch({ clone, home, publicUrl, stages, settings, environment, progress, signal }))
  progress.say(firstSteps({ clone, url: publicUrl, accessToken: await signInAlice(publicUrl, signal) }))
  return stack.move()
})

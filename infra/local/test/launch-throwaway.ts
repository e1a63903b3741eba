// What start.ts is, with throwaway services instead of Parley's: `node launch-throwaway.ts <clone>`.
import { join } from 'node:path'
import { launch } from '../src/launch/launch.ts'
import { showProgress } from '../src/launch/progress.ts'
import { runUntilStopped } from '../src/launch/run-until-stopped.ts'
import { readSettings } from '../src/launch/settings.ts'
import type { Stages } from '../src/launch/services.ts'
import { stopRequest } from '../src/launch/stop-request.ts'

const clone = process.argv[2] ?? ''
const environment = process.env
const progress = showProgress(process.stdout)
const signal = stopRequest(environment)
const main = join(import.meta.dirname, 'throwaway-service.ts')

process.exitCode = await runUntilStopped({ progress, signal }, async () => {
  const settings = readSettings(environment)
  const publicUrl = `http://localhost:${settings.port}`
  const stages: Stages = [
    [
      {
        name: 'notes',
        kind: 'notes',
        main,
        migrate: join(import.meta.dirname, 'throwaway-migration.ts'),
        environment: (it) => ({ POSTGRES_URL: it.postgresUrl('notes'), NOTES_SECRET: it.secret('NOTES_SECRET') }),
      },
    ],
    [
      {
        name: 'door',
        kind: 'throwaway',
        main,
        port: settings.port,
        environment: (it) => ({ NOTES_PORT: String(it.port('notes')) }),
      },
    ],
  ]
  const home = join(clone, '.parley')
  const launched = await launch({ clone, home, publicUrl, stages, settings, environment, progress, signal })
  progress.say(`Ready: ${publicUrl}`)
  return launched
})

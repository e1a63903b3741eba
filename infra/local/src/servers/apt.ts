import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { findBinary } from '../processes/find-binary.ts'
import { StartProblem } from '../start-problem.ts'

const POLICY = '/usr/sbin/policy-rc.d'
const LOCK_TIMEOUT_SECONDS = 120

/** Debian and Ubuntu, as root. */
export const canUseApt = (): boolean => process.getuid?.() === 0 && findBinary('apt-get') !== null

/** Installs all packages in one go, starting nothing. Package lists are fetched only when the present ones do not do. */
export async function installWithApt(packages: readonly string[], logFile: string): Promise<void> {
  await mkdir(dirname(logFile), { recursive: true })
  const removePolicy = await forbidServiceStarts()
  try {
    if (await install(packages, logFile)) return
    await apt(['update'], logFile)
    if (await install(packages, logFile)) return
  } finally {
    await removePolicy()
  }
  const lastLines = (await readFile(logFile, 'utf8')).trimEnd().split('\n').slice(-6).join('\n')
  throw new StartProblem(`apt-get could not install ${packages.join(' ')}:\n${lastLines}`)
}

const install = (packages: readonly string[], logFile: string): Promise<boolean> =>
  apt(['install', '--yes', '--no-install-recommends', ...packages], logFile)

async function apt(flags: readonly string[], logFile: string): Promise<boolean> {
  await using log = await open(logFile, 'a')
  const child = spawn('apt-get', ['-o', `DPkg::Lock::Timeout=${LOCK_TIMEOUT_SECONDS}`, ...flags], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', log.fd, log.fd],
    // Out of reach of a Ctrl-C: packages that are half installed help nobody.
    detached: true,
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code === 0
}

/** A package that installs a server would start it, and at every boot. Debian asks this file first; 101 says no. */
async function forbidServiceStarts(): Promise<() => Promise<void>> {
  try {
    await writeFile(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' })
    return () => rm(POLICY, { force: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return async () => {}
    throw error
  }
}

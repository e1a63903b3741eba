import { randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from '../processes/run-program.ts'
import { writeWhole } from '../processes/write-whole.ts'

export interface RunUser {
  readonly uid: number
  readonly gid: number
}

const TIMEOUT_MS = 5_000
/** Where root keeps what another user must reach when the clone is below a folder that only root may enter. */
const ELSEWHERE = '/var/lib/parley'

/** Postgres refuses to run as root: then it runs as `postgres`, or as `nobody` where that is not there. */
export async function postgresUser(): Promise<RunUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  return (await userNamed('postgres')) ?? (await userNamed('nobody')) ?? { uid: 65_534, gid: 65_534 }
}

async function userNamed(name: string): Promise<RunUser | undefined> {
  const idOf = async (flag: string) => Number(await runProgram('id', [flag, name], { timeoutMs: TIMEOUT_MS }))
  try {
    return { uid: await idOf('-u'), gid: await idOf('-g') }
  } catch {
    return undefined
  }
}

/**
 * The directory itself if the user can enter it, else one elsewhere. A note in the directory says where: it is the same
 * each time, and who deletes the directory begins from nothing, as if the data had been in it.
 */
export async function directoryWithinReach(directory: string, user: RunUser | undefined): Promise<string> {
  await mkdir(directory, { recursive: true })
  if (user === undefined) return directory
  const note = join(directory, 'elsewhere')
  const noted = await readFile(note, 'utf8').catch(() => undefined)
  if (noted === undefined && (await canEnter(directory, user))) return directory
  const elsewhere = noted ?? join(ELSEWHERE, randomBytes(8).toString('hex'))
  if (noted === undefined) writeWhole(note, elsewhere)
  await mkdir(elsewhere, { recursive: true, mode: 0o755 })
  return elsewhere
}

async function canEnter(directory: string, user: RunUser): Promise<boolean> {
  // Tried as that user: permissions of all folders above count, and access lists too.
  return runProgram('/bin/sh', ['-c', 'cd -- "$0"', directory], { timeoutMs: TIMEOUT_MS, directory: '/', user }).then(
    () => true,
    () => false,
  )
}

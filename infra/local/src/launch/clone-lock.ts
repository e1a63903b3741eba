import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StartProblem } from '../start-problem.ts'

/**
 * One `npm start` per clone. The lock is the operating system's, which SQLite takes on a file, so it goes with its holder
 * however that ends: there is no stale lock to recognise.
 */
export async function lockClone(home: string): Promise<Disposable> {
  await mkdir(home, { recursive: true })
  const pidFile = join(home, 'start.pid')
  const lock = new DatabaseSync(join(home, 'start.lock'))
  try {
    lock.exec('begin exclusive')
  } catch (error) {
    lock.close()
    if (!(error instanceof Error && error.message.includes('locked'))) throw error
    const pid = await readFile(pidFile, 'utf8').catch(() => 'unknown')
    throw new StartProblem(`Parley is already running here (pid ${pid}).`)
  }
  await writeFile(pidFile, String(process.pid))
  return { [Symbol.dispose]: () => lock.close() }
}

import { readdir, readFile, readlink } from 'node:fs/promises'
import { isFree } from '../processes/free-port.ts'
import { StartProblem } from '../start-problem.ts'

const LISTENING = '0A'

/** Throws, with a sentence for each, if one of the ports is taken on an address that `localhost` may mean. */
export async function requireFreePorts(ports: readonly number[]): Promise<void> {
  const problems: string[] = []
  for (const port of ports) {
    if ((await isFree(port, '127.0.0.1')) && (await isFree(port, '::1'))) continue
    const owner = await ownerOf(port)
    const by = owner === null ? '' : ` by ${owner.command} (pid ${owner.pid})`
    problems.push(`Port ${port} is in use${by}: stop what uses it, or choose another port with PARLEY_PORT.`)
  }
  if (problems.length > 0) throw new StartProblem(problems.join('\n'))
}

/** Who listens on a port, where the system tells (Linux; as root, or if it is a process of one's own). */
async function ownerOf(port: number): Promise<{ pid: number; command: string } | null> {
  const sockets = new Set([...(await socketsOn(port, '/proc/net/tcp')), ...(await socketsOn(port, '/proc/net/tcp6'))])
  if (sockets.size === 0) return null
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => [])
    for (const descriptor of descriptors) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')
      if (!sockets.has(target)) continue
      const command = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'a process')
      return { pid: Number(pid), command: command.trim() }
    }
  }
  return null
}

async function socketsOn(port: number, table: string): Promise<string[]> {
  const lines = (await readFile(table, 'utf8').catch(() => '')).trim().split('\n').slice(1)
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return lines.flatMap((line) => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
    return local.endsWith(suffix) && state === LISTENING ? [`socket:[${inode}]`] : []
  })
}

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * Tells a process from any later one that was given the same pid: the time of its start. Null if there is no such process,
 * or only what is left of it until its parent looks (a zombie).
 */
export function identityOf(pid: number): string | null {
  return process.platform === 'linux' ? identityFromProc(pid) : identityFromPs(pid)
}

function identityFromProc(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the command in parentheses and may contain anything; the fields from the third on are plain.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const state = fields[0]
    const startTicks = fields[19]
    if (state === 'Z' || state === 'X' || startTicks === undefined) return null
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${startTicks}`
  } catch {
    return null
  }
}

function identityFromPs(pid: number): string | null {
  const [state, ...started] = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)])
    .stdout.toString()
    .trim()
    .split(/\s+/)
  return state === undefined || state === '' || state.startsWith('Z') ? null : started.join(' ')
}

/** The command line of a process, or null if there is no such process. */
export function commandOf(pid: number): string | null {
  if (identityOf(pid) === null) return null
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return spawnSync('ps', ['-o', 'args=', '-p', String(pid)])
      .stdout.toString()
      .trim()
  } catch {
    return null
  }
}

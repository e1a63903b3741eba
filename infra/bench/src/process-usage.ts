import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** In Linux, everywhere. */
const TICKS_PER_SECOND = 100

export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024
}

/** Processor seconds since the process began, its own and the kernel's for it. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** What remains when nothing more happens: the garbage of what has happened is collected by and by. */
export async function settledResidentBytes(pid: number, settleMs: number): Promise<number> {
  await delay(settleMs)
  return residentBytes(pid)
}

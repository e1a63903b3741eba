import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'

/** What a Redis has done since some moment. */
export interface RedisWork {
  /** By name. Those that a script runs count too, and so does the script. */
  readonly commands: ReadonlyMap<string, number>
  /** All of them. */
  readonly commandsDone: number
  /** Processor time of the thread that serves clients. */
  readonly cpuUs: number
  readonly elapsedMs: number
}

/** What Redis holds for its data, without what clients have buffered. Waits until the tables are done growing. */
export async function usedBytes(redis: Redis): Promise<number> {
  let before = await read(redis)
  for (;;) {
    await delay(500)
    const now = await read(redis)
    if (Math.abs(now - before) < 16 * 1024) return now
    before = now
  }
}

async function read(redis: Redis): Promise<number> {
  const info = await redis.info('memory')
  return field(info, 'used_memory') - field(info, 'mem_clients_normal')
}

/** What Redis does for `work`, and whatever else it does meanwhile. */
export async function workOf(redis: Redis, work: () => Promise<unknown>): Promise<RedisWork> {
  await redis.config('RESETSTAT')
  const startedMs = performance.now()
  const cpuBefore = cpuUsOf(await redis.info('cpu'))
  await work()
  const elapsedMs = performance.now() - startedMs
  const cpuUs = cpuUsOf(await redis.info('cpu')) - cpuBefore
  const stats = await redis.info('commandstats')
  const commands = new Map(
    [...stats.matchAll(/^cmdstat_(\S+):calls=(\d+)/gm)]
      .filter(([, name = '']) => !/^(info|config\|)/.test(name))
      .map(([, name = '', calls]) => [name, Number(calls)]),
  )
  const commandsDone = [...commands.values()].reduce((sum, calls) => sum + calls, 0)
  return { commands, commandsDone, cpuUs, elapsedMs }
}

function cpuUsOf(info: string): number {
  return 1_000_000 * (field(info, 'used_cpu_user_main_thread') + field(info, 'used_cpu_sys_main_thread'))
}

function field(info: string, name: string): number {
  const value = new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]
  if (value === undefined) throw new Error(`this Redis does not tell its ${name}`)
  return Number(value)
}

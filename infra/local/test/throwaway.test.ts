import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { expect, test } from 'vitest'
import { startThrowawayServers } from '@parley/local'
import { isRunning } from './launched.ts'

test(
  'the servers of a run are gone when it ends; those of a run that was killed, when the next begins',
  { timeout: 120_000 },
  async () => {
    const script = `
    const { startThrowawayServers, startRedis } = await import('@parley/local')
    const servers = await startThrowawayServers()
    const redis = await startRedis({ directory: servers.directory + '/redis-1', durable: false })
    console.log(JSON.stringify({ directory: servers.directory, pid: redis.pid }))
    process.kill(process.pid, 'SIGKILL')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [printed] = await Promise.all([text(child.stdout), once(child, 'close')])
    const killed = JSON.parse(printed) as { directory: string; pid: number }
    expect(isRunning(killed.pid)).toBe(true)

    const servers = await startThrowawayServers()
    expect(isRunning(killed.pid)).toBe(false)
    expect(existsSync(killed.directory)).toBe(false)
    expect(servers.s3).toBeNull()
    const client = new pg.Client({ connectionString: servers.postgresUrl })
    await client.connect()
    expect((await client.query('show fsync')).rows).toEqual([{ fsync: 'off' }])
    await client.end()
    await servers[Symbol.asyncDispose]()
    expect(existsSync(servers.directory)).toBe(false)
    await expect(new pg.Client({ connectionString: servers.postgresUrl }).connect()).rejects.toThrow('ECONNREFUSED')
  },
)

import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findBinary } from '../processes/find-binary.ts'
import { freePort, isFree } from '../processes/free-port.ts'
import { startProcess, type LocalProcess } from '../processes/local-process.ts'
import { runProgram } from '../processes/run-program.ts'
import { writeWhole } from '../processes/write-whole.ts'
import { cephConfig, cephKeyring, type CephCluster } from './ceph-config.ts'
import type { S3Credentials } from './s3-server.ts'

const PROGRAMS = ['ceph-mon', 'ceph-osd', 'radosgw']
const PROGRAM_TIMEOUT_MS = 60_000

export const cephIsInstalled = (): boolean => PROGRAMS.every((program) => findBinary(program) !== null)

/**
 * A RADOS Gateway with a cluster of its own, all of it below `directory`. Durable, it keeps objects in a file, over stops
 * and kills; otherwise in memory, for one life. The process that is returned stands for all three.
 */
export async function startCeph(options: {
  directory: string
  durable: boolean
  port: number
  credentials: S3Credentials
}): Promise<LocalProcess> {
  const { directory, durable, port } = options
  const home = join(directory, 'ceph')
  const made = durable ? await readCluster(home) : null
  const cluster = made ?? (await makeCluster(home, { durable, port }))
  const monitorPort = (await isFree(cluster.monitorPort)) ? cluster.monitorPort : await moveMonitor(home, cluster)
  await writeConfig(home, { ...cluster, monitorPort, port, durable })

  await using stack = new AsyncDisposableStack()
  const start = (program: string, flags: readonly string[]) =>
    startProcess({
      name: program,
      command: program,
      arguments: ['--conf', 'ceph.conf', '--foreground', ...flags],
      directory: home,
      logFile: join(directory, `${program}.log`),
      recordDirectory: directory,
      stopSignal: durable ? 'SIGTERM' : 'SIGKILL',
    })
  const monitor = stack.use(await start('ceph-mon', ['--id', 'a']))
  const store = stack.use(await start('ceph-osd', ['--id', '0']))
  if (made === null) await createUser(home, options.credentials)
  writeWhole(clusterFile(home), JSON.stringify({ ...cluster, monitorPort } satisfies CephCluster))
  const gateway = stack.use(await start('radosgw', ['--name', 'client.admin']))

  const processes = [monitor, store, gateway]
  const running = stack.move()
  return {
    name: 's3',
    pid: gateway.pid,
    ended: Promise.race(processes.map(async (process) => `${await process.ended} (${process.name})`)),
    get hasEnded() {
      return processes.some((process) => process.hasEnded)
    },
    lastLines: () => processes.map((process) => process.lastLines()).join('\n'),
    // In reverse: each takes its leave of the one that was started before it.
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

const clusterFile = (home: string): string => join(home, 'cluster.json')

async function readCluster(home: string): Promise<CephCluster | null> {
  try {
    return JSON.parse(await readFile(clusterFile(home), 'utf8')) as CephCluster
  } catch {
    return null
  }
}

async function writeConfig(home: string, options: CephCluster & { port: number; durable: boolean }): Promise<void> {
  await writeFile(join(home, 'ceph.conf'), cephConfig(options))
}

/** From nothing: what a start that was killed in here has left has never held an object. */
async function makeCluster(home: string, options: { durable: boolean; port: number }): Promise<CephCluster> {
  await rm(home, { recursive: true, force: true })
  for (const part of ['mon', 'osd', 'rgw']) await mkdir(join(home, part), { recursive: true, mode: 0o700 })
  const cluster = { id: randomUUID(), monitorPort: await freePort() }
  await writeConfig(home, { ...cluster, ...options })
  const key = await run(home, 'ceph-authtool', ['--gen-print-key'])
  await writeFile(join(home, 'keyring'), cephKeyring(key.trim()), { mode: 0o600 })
  await writeMonitorMap(home, cluster)
  // The first map of the cluster has the object store in it already, so nobody needs to be asked to add it.
  await run(home, 'osdmaptool', ['--createsimple', '1', 'osdmap', '--clobber'])
  const maps = ['--monmap', 'monmap', '--osdmap', 'osdmap', '--keyring', 'keyring']
  await Promise.all([
    run(home, 'ceph-mon', ['--mkfs', '--id', 'a', ...maps]),
    run(home, 'ceph-osd', ['--mkfs', '--id', '0', '--no-mon-config', '--osd-uuid', randomUUID()]),
  ])
  return cluster
}

async function writeMonitorMap(home: string, { id, monitorPort }: CephCluster): Promise<void> {
  const address = `[v2:127.0.0.1:${monitorPort}]`
  await run(home, 'monmaptool', ['--create', '--clobber', '--fsid', id, '--addv', 'a', address, 'monmap'])
}

/** The monitor's port is part of what the cluster keeps; when another program has taken it, it is written anew. */
async function moveMonitor(home: string, cluster: CephCluster): Promise<number> {
  const monitorPort = await freePort()
  await writeMonitorMap(home, { ...cluster, monitorPort })
  await run(home, 'ceph-mon', ['--id', 'a', '--inject-monmap', 'monmap'])
  return monitorPort
}

async function createUser(home: string, { accessKeyId, secretAccessKey }: S3Credentials): Promise<void> {
  const keys = ['--access-key', accessKeyId, '--secret-key', secretAccessKey]
  await run(home, 'radosgw-admin', ['user', 'create', '--uid', 'parley', '--display-name', 'Parley', ...keys])
}

function run(home: string, program: string, flags: readonly string[]): Promise<string> {
  return runProgram(program, ['--conf', 'ceph.conf', ...flags], { timeoutMs: PROGRAM_TIMEOUT_MS, directory: home })
}

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { World } from './world.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** An instance as a process of its own. Disposing kills it. */
export function startProcess(world: World): AsyncDisposable {
  const child = spawnFor(world)
  const exited = once(child, 'exit')
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

export interface RestartedProcess extends AsyncDisposable {
  readonly kills: number
  /** With SIGKILL; another one is started at once. */
  kill(): void
}

/** One instance after the other, each a process of its own. */
export function keepProcess(world: World): RestartedProcess {
  let kills = 0
  let isEnding = false
  let child: ChildProcess
  let exited: Promise<unknown>
  function start(): void {
    child = spawnFor(world)
    exited = once(child, 'exit').then(() => (isEnding ? undefined : start()))
  }
  start()
  return {
    get kills() {
      return kills
    },
    kill() {
      if (child.kill('SIGKILL')) kills += 1
    },
    async [Symbol.asyncDispose]() {
      isEnding = true
      child.kill('SIGKILL')
      await exited
    },
  }
}

function spawnFor({ config }: World): ChildProcess {
  const credentials = config.s3.credentials as { accessKeyId: string; secretAccessKey: string }
  const env = {
    PARLEY_ENV: 'development',
    LOG_LEVEL: 'silent',
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: '0',
    NATS_URL: config.natsUrl,
    POSTGRES_URL: config.postgresUrl,
    S3_ENDPOINT: config.s3.endpoint,
    S3_REGION: config.s3.region,
    S3_BUCKET: config.s3.bucket,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  }
  return spawn(process.execPath, [main], { env, stdio: 'ignore' })
}

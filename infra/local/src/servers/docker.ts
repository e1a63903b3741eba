import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { findBinary } from '../processes/find-binary.ts'
import { startProcess, type LocalProcess } from '../processes/local-process.ts'
import { runProgram } from '../processes/run-program.ts'

/** Fixed versions, so that the same ones run tomorrow. */
export const images = {
  redis: 'redis:7.4.2',
  nats: 'nats:2.12.12',
  s3: 'minio/minio:RELEASE.2025-09-07T16-13-09Z',
}

const PULL_TIMEOUT_MS = 10 * 60_000
const ANSWER_TIMEOUT_MS = 3_000
const REMOVE_TIMEOUT_MS = 20_000

/** Whether there is a Docker engine, running, that we may use. */
export async function dockerAnswers(): Promise<boolean> {
  const docker = findBinary('docker')
  if (docker === null) return false
  return runProgram(docker, ['version', '--format', '{{.Server.Version}}'], { timeoutMs: ANSWER_TIMEOUT_MS }).then(
    () => true,
    () => false,
  )
}

export async function pullImage(image: string): Promise<void> {
  await runProgram(findBinary('docker') ?? 'docker', ['pull', '--quiet', image], { timeoutMs: PULL_TIMEOUT_MS })
}

/**
 * Runs a server in a container. Its process is the docker client, which passes signals on; the container is named after
 * the directory, so that one that outlived its client is found and removed by the next start.
 */
export async function startContainer(options: {
  name: string
  image: string
  directory: string
  /** Where the directory is seen in the container. */
  mountAt: string
  /** Port of this machine -> port of the container. */
  ports: Readonly<Record<number, number>>
  environment?: Readonly<Record<string, string>>
  arguments: readonly string[]
}): Promise<LocalProcess> {
  const { name, directory, environment = {} } = options
  const docker = findBinary('docker')
  if (docker === null) throw new Error(`neither ${name} nor docker is installed`)
  const container = `parley-${name}-${createHash('sha256').update(directory).digest('hex').slice(0, 12)}`
  const remove = async () => {
    await runProgram(docker, ['rm', '--force', container], { timeoutMs: REMOVE_TIMEOUT_MS }).catch(() => {})
  }
  await mkdir(directory, { recursive: true })
  await remove()
  const client = await startProcess({
    name,
    command: docker,
    arguments: [
      'run',
      '--rm',
      `--name=${container}`,
      `--user=${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`,
      `--volume=${directory}:${options.mountAt}`,
      ...Object.entries(options.ports).map(([here, there]) => `--publish=127.0.0.1:${here}:${there}`),
      ...Object.keys(environment).map((variable) => `--env=${variable}`),
      options.image,
      ...options.arguments,
    ],
    environment,
    directory,
    logFile: join(directory, `${name}.log`),
    recordDirectory: directory,
  })
  return {
    ...client,
    get hasEnded() {
      return client.hasEnded
    },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await remove()
    },
  }
}

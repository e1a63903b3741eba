import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { natsConfiguration } from '@parley/nats'
import { connect } from 'nats'
import { findBinary } from '../processes/find-binary.ts'
import { freePort } from '../processes/free-port.ts'
import { startProcess, type LocalProcess } from '../processes/local-process.ts'
import { stopLeftovers } from '../processes/process-record.ts'
import { untilReady } from '../processes/until-ready.ts'
import { images, startContainer } from './docker.ts'
import { givenServer, serverOf, type Server, type ServerOptions } from './server.ts'

const READY_TIMEOUT_MS = 10_000
const ANSWER_TIMEOUT_MS = 2_000

export interface NatsOptions extends ServerOptions {
  /**
   * By user: each service has one, and may do what it has to (infra/nats). Who connects without a name may do everything, as is
   * convenient on one's own machine. Without passwords there are no users.
   */
  readonly passwords?: Readonly<Record<string, string>> | undefined
}

/** A NATS with JetStream on the loopback interface: the one of the URL, a program of this machine, or a container. */
export async function startNats(options: NatsOptions): Promise<Server> {
  const { directory, url: given } = options
  if (given !== undefined)
    return givenServer({ name: 'nats', url: given, variable: 'NATS_URL' }, () => productOf(given))
  await mkdir(directory, { recursive: true })
  await stopLeftovers(directory)
  const port = options.port ?? (await freePort())
  const url = `nats://127.0.0.1:${port}`
  await using stack = new AsyncDisposableStack()
  await writeConfiguration(options)
  const process = stack.use(await runNats(directory, port))
  const product = await untilReady(process, () => productOf(url), READY_TIMEOUT_MS, options.signal)
  stack.move()
  return serverOf(process, { name: 'nats', url, product })
}

const CONFIGURATION = 'nats.conf'

async function writeConfiguration({ directory, passwords = {} }: NatsOptions): Promise<void> {
  const hasUsers = Object.keys(passwords).length > 0
  const passwordOf = (user: string) => JSON.stringify(passwords[user])
  const configuration = hasUsers ? natsConfiguration({ passwordOf, unnamed: 'operator' }) : ''
  await writeFile(join(directory, CONFIGURATION), configuration, { mode: 0o600 })
}

function runNats(directory: string, port: number): Promise<LocalProcess> {
  const binary = findBinary('nats-server')
  if (binary === null) {
    return startContainer({
      name: 'nats',
      image: images.nats,
      directory,
      mountAt: '/data',
      ports: { [port]: 4222 },
      arguments: ['--config', `/data/${CONFIGURATION}`, '--jetstream', '--store_dir', '/data'],
    })
  }
  return startProcess({
    name: 'nats',
    command: binary,
    arguments: [
      '--config',
      join(directory, CONFIGURATION),
      '--addr',
      '127.0.0.1',
      '--port',
      String(port),
      '--jetstream',
      '--store_dir',
      directory,
    ],
    directory,
    logFile: join(directory, 'nats.log'),
    recordDirectory: directory,
  })
}

/** Resolves when JetStream answers. */
async function productOf(url: string): Promise<string> {
  const connection = await connect({ servers: url, timeout: ANSWER_TIMEOUT_MS, reconnect: false })
  try {
    const jetStream = await connection.jetstreamManager({ timeout: ANSWER_TIMEOUT_MS })
    await jetStream.getAccountInfo()
    return `NATS ${connection.info?.version ?? ''}`
  } finally {
    await connection.close()
  }
}

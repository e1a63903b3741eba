import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import { findBinary } from '../processes/find-binary.ts'
import { freePort } from '../processes/free-port.ts'
import { startProcess } from '../processes/local-process.ts'
import { stopLeftovers } from '../processes/process-record.ts'
import { untilReady } from '../processes/until-ready.ts'
import { serverOf, type Server, type ServerOptions } from './server.ts'

const READY_TIMEOUT_MS = 30_000

export const clamdIsInstalled = (): boolean => findBinary('clamd') !== null

export interface ClamdOptions extends ServerOptions {
  /** What it finds, by the name under which it says so: these bytes, anywhere in a file. It knows nothing else. */
  readonly signatures: Readonly<Record<string, string>>
  /** It refuses what is larger, as a file or unpacked. */
  readonly streamMaxBytes: number
}

/** A ClamAV on the loopback interface with a database of a few signatures, which needs little memory and no download. */
export async function startClamd(options: ClamdOptions): Promise<Server> {
  const { directory, signatures } = options
  await stopLeftovers(directory)
  const database = join(directory, 'signatures')
  const temporary = join(directory, 'temporary')
  for (const made of [database, temporary]) await mkdir(made, { recursive: true })
  // Name, any kind of file, anywhere, bytes.
  const lines = Object.entries(signatures).map(([name, bytes]) => `${name}:0:*:${Buffer.from(bytes).toString('hex')}`)
  await writeFile(join(database, 'signatures.ndb'), `${lines.join('\n')}\n`)
  const port = options.port ?? (await freePort())
  const configuration = join(directory, 'clamd.conf')
  await writeFile(configuration, configurationOf({ ...options, port, database, temporary }))
  await using stack = new AsyncDisposableStack()
  const process = stack.use(
    await startProcess({
      name: 'clamd',
      command: findBinary('clamd') ?? 'clamd',
      arguments: ['--foreground', '--config-file', configuration],
      directory,
      logFile: join(directory, 'clamd.log'),
      recordDirectory: directory,
    }),
  )
  const product = await untilReady(process, () => askVersion(port), READY_TIMEOUT_MS, options.signal)
  stack.move()
  return serverOf(process, { name: 'clamd', url: `tcp://127.0.0.1:${port}`, product })
}

const configurationOf = (options: ClamdOptions & { port: number; database: string; temporary: string }): string =>
  Object.entries({
    TCPSocket: options.port,
    TCPAddr: '127.0.0.1',
    DatabaseDirectory: options.database,
    TemporaryDirectory: options.temporary,
    StreamMaxLength: options.streamMaxBytes,
    MaxFileSize: options.streamMaxBytes,
    MaxScanSize: options.streamMaxBytes,
    // Otherwise it calls clean what it has not looked at because of these.
    AlertExceedsMax: 'yes',
    MaxThreads: 8,
    Bytecode: 'no',
    // The signatures are written once.
    SelfCheck: 0,
  })
    .map(([name, value]) => `${name} ${value}\n`)
    .join('')

async function askVersion(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port })
  socket.end('zVERSION\0')
  const answer = await text(socket)
  return answer.replace('\0', '')
}

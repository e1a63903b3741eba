import { randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../processes/free-port.ts'
import { stopLeftovers } from '../processes/process-record.ts'
import { untilReady } from '../processes/until-ready.ts'
import { writeWhole } from '../processes/write-whole.ts'
import { cephIsInstalled, startCeph } from './ceph.ts'
import { minioIsInstalled, startMinio } from './minio.ts'
import { askS3 } from './s3-client.ts'
import type { S3Credentials, S3Server } from './s3-server.ts'
import { givenServer, serverOf, type ServerOptions } from './server.ts'

const READY_TIMEOUT_MS = 60_000
const REGION = 'us-east-1'

export interface S3Options extends ServerOptions {
  /** Objects outlive a stop and a crash. Otherwise they may be kept in memory only. */
  readonly durable: boolean
  /** Goes with `url`. */
  readonly credentials?: S3Credentials | undefined
  /** Goes with `url`. */
  readonly region?: string | undefined
}

/**
 * A real S3, which checks signatures and POST policies, on the loopback interface: the one of the URL, a MinIO or a Ceph
 * RADOS Gateway of this machine, or a container.
 */
export async function startS3(options: S3Options): Promise<S3Server> {
  const { directory, url: given } = options
  if (given !== undefined) return givenS3({ ...options, url: given })
  await mkdir(directory, { recursive: true })
  await stopLeftovers(directory)
  const port = options.port ?? (await freePort())
  const url = `http://127.0.0.1:${port}`
  const credentials = await readOrMakeCredentials(directory)
  const access = { url, region: REGION, ...credentials }
  const product = minioIsInstalled() || !cephIsInstalled() ? 'MinIO' : 'Ceph RADOS Gateway'
  await using stack = new AsyncDisposableStack()
  const process = stack.use(await (product === 'MinIO' ? startMinio : startCeph)({ ...options, port, credentials }))
  // Asked often and cheaply; the signed request, for which a library has to be loaded, comes after.
  await untilReady(process, async () => (await fetch(url)).arrayBuffer(), READY_TIMEOUT_MS, options.signal)
  await untilReady(process, () => askS3(access), READY_TIMEOUT_MS, options.signal)
  stack.move()
  return Object.assign(serverOf(process, { name: 's3', url, product: `S3 (${product})` }), access)
}

async function givenS3(options: S3Options & { url: string }): Promise<S3Server> {
  const { url, credentials = { accessKeyId: '', secretAccessKey: '' }, region = REGION } = options
  const access = { url, region, ...credentials }
  const server = await givenServer({ name: 's3', url, variable: 'S3_ENDPOINT' }, async () => {
    await askS3(access)
    return 'S3'
  })
  return Object.assign(server, access)
}

async function readOrMakeCredentials(directory: string): Promise<S3Credentials> {
  const path = join(directory, 'credentials.json')
  try {
    return JSON.parse(await readFile(path, 'utf8')) as S3Credentials
  } catch {
    const credentials = {
      accessKeyId: randomBytes(10).toString('hex').toUpperCase(),
      secretAccessKey: randomBytes(30).toString('base64url'),
    }
    writeWhole(path, JSON.stringify(credentials))
    return credentials
  }
}

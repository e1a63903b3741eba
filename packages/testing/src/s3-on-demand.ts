import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { ensureServers, startS3, type S3Server } from '@parley/local'

/** What a client needs to know of an S3. */
export interface S3Access {
  readonly url: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/**
 * An address that answers with the `S3Access` of the run's S3. It is started by the first who asks: it takes seconds, and most
 * runs of a few test files do not need it.
 */
export async function serveS3OnDemand(directory: string): Promise<{ url: string } & AsyncDisposable> {
  let starting: Promise<S3Server> | undefined
  const server = createServer((_request, response) => {
    starting ??= start(directory)
    starting.then(
      ({ url, region, accessKeyId, secretAccessKey }) =>
        response.end(JSON.stringify({ url, region, accessKeyId, secretAccessKey } satisfies S3Access)),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      const started = await starting?.catch(() => undefined)
      await started?.[Symbol.asyncDispose]()
    },
  }
}

async function start(directory: string): Promise<S3Server> {
  await ensureServers(['s3'], { logFile: join(directory, 'apt-s3.log') })
  return startS3({ directory: join(directory, 's3'), durable: false })
}

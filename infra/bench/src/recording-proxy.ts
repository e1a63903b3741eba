import { connect, createServer, type AddressInfo } from 'node:net'

/** Stands between one client and a Redis and keeps what the client sends. */
export interface RecordingProxy extends AsyncDisposable {
  readonly url: string
  /** What clients send while `work` is done. */
  record(work: () => Promise<unknown>): Promise<Buffer>
}

export async function startRecordingProxy(redisUrl: string): Promise<RecordingProxy> {
  const { hostname, port } = new URL(redisUrl)
  let recorded: Buffer[] | undefined
  const server = createServer({ noDelay: true }, (client) => {
    const redis = connect({ host: hostname, port: Number(port), noDelay: true })
    client.on('data', (chunk: Buffer) => recorded?.push(chunk))
    client.pipe(redis).pipe(client)
    for (const [one, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  const listening = Promise.withResolvers<void>()
  server.once('error', listening.reject)
  server.listen(0, '127.0.0.1', listening.resolve)
  await listening.promise
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async record(work) {
      recorded = []
      try {
        await work()
        return Buffer.concat(recorded)
      } finally {
        recorded = undefined
      }
    },
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      await closed.promise
    },
  }
}

import { createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'

/**
 * `fail`: S3 hears nothing of it. `lose`: it does what is asked, and the answer never comes. With a function it is the same, and
 * that is called.
 */
export type Fate = 'pass' | 'fail' | 'lose' | (() => void)

export interface S3Door extends AsyncDisposable {
  readonly endpoint: string
  /** Decides about each request from now on. */
  decide: (asked: IncomingMessage) => Fate
}

/** Stands before S3 on a port of its own, so that a test can take S3 away from one service, now and then. */
export async function openS3Door(target: string): Promise<S3Door> {
  const server = createServer((asked, answer) => {
    const fate = door.decide(asked)
    if (fate === 'fail') {
      asked.resume()
      answer.writeHead(503, { 'content-type': 'application/xml' }).end('<Error><Code>SlowDown</Code></Error>')
      return
    }
    const passedOn = request(new URL(asked.url ?? '/', target), { method: asked.method, headers: asked.headers })
    passedOn.once('response', (answered) => {
      if (fate !== 'pass') {
        answered.resume().once('end', () => {
          if (fate !== 'lose') fate()
          asked.socket.destroy()
        })
        return
      }
      answer.writeHead(answered.statusCode ?? 502, answered.headers)
      answered.pipe(answer)
    })
    passedOn.once('error', () => asked.socket.destroy())
    asked.pipe(passedOn)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const door: S3Door = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    decide: () => 'pass',
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
  return door
}

/** What is asked of S3, without the names in it. */
export function kindOf({ method, url }: IncomingMessage): string {
  const { pathname, searchParams } = new URL(url ?? '/', 'http://s3')
  const what = /\.(zip|json)$/.exec(pathname)?.[1] ?? 'bucket'
  const how = ['uploads', 'uploadId', 'partNumber', 'delete', 'list-type', 'delimiter'].filter((name) =>
    searchParams.has(name),
  )
  return [method, what, ...how].join(' ')
}

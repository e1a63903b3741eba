import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Server } from '@parley/local'
import { serversOfRun } from './servers-of-run.ts'

/** A server of one test: an own process on a free port, with data of its own. Disposing ends it and removes its data. */
export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly pid: number
  /** Of its data. */
  readonly directory: string
  /** Ends it at once (SIGKILL), as a crash would. Resolves when the process is gone. */
  kill(): Promise<void>
  /** Stops it, unless it was killed, and starts it again: on the same port, with the data it had or the crash has left. */
  restart(): Promise<void>
}

/** Starts a server in a folder of its own and makes it one that a test can kill and restart. */
export async function startTestServer(
  name: string,
  start: (options: { directory: string; port?: number }) => Promise<Server>,
): Promise<TestServer> {
  const directory = await mkdtemp(join(serversOfRun().directory, `${name}-`))
  await chmod(directory, 0o711) // As root, Postgres runs as another user and has to get through.
  let server = await start({ directory })
  const port = Number(new URL(server.url).port)
  const pid = () => server.pid! // Only a server that was not started here has none.
  return {
    url: server.url,
    directory,
    get pid() {
      return pid()
    },
    async kill() {
      process.kill(pid(), 'SIGKILL')
      await server.ended
    },
    async restart() {
      await server[Symbol.asyncDispose]()
      server = await start({ directory, port })
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

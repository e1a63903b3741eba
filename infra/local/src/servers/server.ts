import type { LocalProcess } from '../processes/local-process.ts'
import { StartProblem } from '../start-problem.ts'

export type ServerName = 'postgres' | 'redis' | 'nats' | 's3' | 'clamd'

/** A server that answers. Disposing stops it, and waits, if it is ours; one that was given by its URL is left alone. */
export interface Server extends AsyncDisposable {
  readonly name: ServerName
  /** Null: it was given by its URL. */
  readonly pid: number | null
  readonly url: string
  /** What it is, for people: `Postgres 18.4`. */
  readonly product: string
  /** Resolves with how it ended (`code 1`, `SIGKILL`) when it has, whoever ended it. Never, if it was given by its URL. */
  readonly ended: Promise<string>
}

export interface ServerOptions {
  /** Its data, its log and the note that it runs. Made if it is not there. */
  readonly directory: string
  /** A free one unless given. */
  readonly port?: number | undefined
  /** A server that runs already. It is used as it is, and nothing is started. */
  readonly url?: string | undefined
  /** Ends the waiting for its first answer. */
  readonly signal?: AbortSignal | undefined
}

export function serverOf(process: LocalProcess, described: { name: ServerName; url: string; product: string }): Server {
  return {
    ...described,
    pid: process.pid,
    ended: process.ended,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  }
}

/** The server behind a URL, once it has answered. `ask` resolves with what it is. */
export async function givenServer(
  described: { name: ServerName; url: string; variable: string },
  ask: () => Promise<string>,
): Promise<Server> {
  const { name, url, variable } = described
  const product = await ask().catch((error: Error) => {
    throw new StartProblem(`The server of ${variable} does not answer as it should: ${error.message || error.name}`)
  })
  return { name, url, product, pid: null, ended: new Promise(() => {}), async [Symbol.asyncDispose]() {} }
}

import { PostgresStream } from './postgres-stream.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

export interface CuttingProxy extends TcpProxy {
  /** How often the answer to a matching query is cut, from 0 to 1. May be changed at any time. */
  probability: number
  /** Cuts the answer to one matching query: the n-th from now. */
  cutNth(n: number): void
  /** How many were cut so far. */
  readonly cuts: number
}

/** What Postgres says when it has done all it was asked, and committed. */
const READY_FOR_QUERY = 'Z'

/**
 * A Postgres, through a proxy that now and then swallows the answer to a query whose text contains a word, and then breaks the
 * connection: the query is done, and who asked does not know. All bytes to the server pass.
 */
export async function startCuttingProxy(
  url: string,
  { word, random = Math.random }: { word: string; random?: () => number },
): Promise<CuttingProxy> {
  let probability = 0
  let untilCut = 0
  let cuts = 0

  function isToBeCut(): boolean {
    if (untilCut > 0) {
      untilCut -= 1
      if (untilCut === 0) return true
    }
    return random() < probability
  }

  const proxy = await startTcpProxy(url, ({ client, server }) => {
    const asked = new PostgresStream({ startsWithType: false })
    const answered = new PostgresStream({ startsWithType: true })
    let swallows = false
    client.on('data', (chunk: Buffer) => {
      for (const { type, body } of asked.push(chunk)) {
        if (type !== 'P' && type !== 'Q') continue
        if (body.includes(word) && isToBeCut()) swallows = true
      }
      server.write(chunk)
    })
    client.on('end', () => server.destroySoon())
    server.on('data', (chunk: Buffer) => {
      const messages = answered.push(chunk)
      if (!swallows) return void client.write(chunk)
      if (!messages.some(({ type }) => type === READY_FOR_QUERY)) return
      cuts += 1
      client.destroy()
    })
  })
  return {
    ...proxy,
    get probability() {
      return probability
    },
    set probability(value) {
      probability = value
    },
    cutNth: (n) => void (untilCut = n),
    get cuts() {
      return cuts
    },
  }
}

import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve, type Bus } from '@parley/bus'
import { auth } from '@parley/contracts'

/** Stands in for `auth`: whoever it has signed a token for exists. A real one would take a minute to make so many users. */
export interface BenchIssuer extends AsyncDisposable {
  readonly url: string
  /** PEM. */
  readonly privateKey: string
}

export async function startBenchIssuer(bus: Bus): Promise<BenchIssuer> {
  await using stack = new AsyncDisposableStack()
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: 'bench', use: 'sig', alg: 'RS256' }]
  const http = createServer((_request, response) => {
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys }))
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  stack.defer(async () => {
    const closed = once(http, 'close')
    http.close()
    http.closeAllConnections()
    await closed
  })
  const createdAt = new Date().toISOString()
  stack.use(
    await serve(bus, auth, {
      async getUsers({ userIds }) {
        return { users: userIds.map((id) => ({ id, displayName: id.slice(0, 8), avatarUrl: null, createdAt })) }
      },
      listRevocations: async () => ({ revocations: [], position: 0, hasMore: false }),
    }),
  )
  const running = stack.move()
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

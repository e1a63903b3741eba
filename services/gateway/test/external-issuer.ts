import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { forge, goodClaims, signEc, signRsa } from './forged-token.ts'

/** An issuer that Parley does not run: its keys are found by its discovery document, and it may be away, or mad. */
export interface ExternalIssuer extends AsyncDisposable {
  /** Where it is, and its name in tokens. */
  readonly url: string
  /** The key that signs now. */
  readonly key: KeyObject
  readonly publicKey: KeyObject
  readonly keyId: string
  readonly algorithm: Algorithm
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>): string
  /** From now on another key signs; the former one is served besides unless it is dropped. */
  rotate(options?: { dropFormer?: boolean }): void
  /** Instead of the keys, it answers so. */
  answer: { status?: number; body: string } | 'nothing' | undefined
  /** Instead of the right ones, what its discovery document says. */
  discovery: object | undefined
  /** How often its keys were fetched. */
  readonly fetched: number
  stop(): Promise<void>
  /** Again at the same address. */
  start(): Promise<void>
}

type Algorithm = 'RS256' | 'ES256'

interface Key {
  readonly id: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly jwk: object
}

export async function startExternalIssuer(algorithm: Algorithm = 'ES256'): Promise<ExternalIssuer> {
  let keys: Key[] = [makeKey(1, algorithm)]
  let fetched = 0
  let server: Server | undefined
  let port = 0

  const listen = async () => {
    server = createServer((request, response) => {
      response.setHeader('content-type', 'application/json')
      if (request.url === '/.well-known/openid-configuration') {
        response.end(JSON.stringify(it.discovery ?? { issuer: it.url, jwks_uri: `${it.url}/keys` }))
        return
      }
      fetched += 1
      if (it.answer === 'nothing') return
      if (it.answer !== undefined) {
        response.statusCode = it.answer.status ?? 200
        response.end(it.answer.body)
        return
      }
      response.end(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }))
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }
  const stop = async () => {
    if (server === undefined) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    server = undefined
    await closed
  }

  const it: ExternalIssuer = {
    get url() {
      return `http://127.0.0.1:${port}`
    },
    get key() {
      return keys[0]!.privateKey
    },
    get publicKey() {
      return keys[0]!.publicKey
    },
    algorithm,
    get keyId() {
      return keys[0]!.id
    },
    token(claims = {}, header = {}) {
      const { id, privateKey } = keys[0]!
      return forge({
        header: { alg: algorithm, typ: 'JWT', kid: id, ...header },
        payload: goodClaims(it.url, { sub: 'somebody', ...claims }),
        signature: algorithm === 'ES256' ? signEc(privateKey) : signRsa(privateKey),
      })
    },
    rotate({ dropFormer = false } = {}) {
      keys = [makeKey(keys.length + 1, algorithm), ...(dropFormer ? [] : keys)]
    },
    answer: undefined,
    discovery: undefined,
    get fetched() {
      return fetched
    },
    stop,
    start: listen,
    [Symbol.asyncDispose]: stop,
  }
  await listen()
  return it
}

function makeKey(number: number, algorithm: Algorithm): Key {
  const { privateKey, publicKey } =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const id = `key-${number}`
  return {
    id,
    privateKey,
    publicKey,
    jwk: { ...publicKey.export({ format: 'jwk' }), kid: id, use: 'sig', alg: algorithm },
  }
}

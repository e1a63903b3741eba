import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import express from 'express'
import jwt from 'jsonwebtoken'
import { serveHttp } from '@parley/runtime'

/** An issuer of access tokens that serves its keys over HTTP, as `auth` does. */
export interface TestIssuer extends AsyncDisposable {
  readonly url: string
  /** The pair of `key-1`. */
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
  /** A good token for this user; what is named differs from that. */
  tokenFor(userId: string, differences?: { claims?: object; header?: object; key?: KeyObject }): string
}

export async function startTestIssuer(issuer: string): Promise<TestIssuer> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const app = express()
  app.get('/oauth/jwks', (_request, response) => {
    response.json({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'key-1', use: 'sig', alg: 'RS256' }] })
  })
  // Whatever else is passed on to it: it answers with what has arrived.
  app.use('/oauth', express.raw({ type: () => true }), ({ method, originalUrl, headers, body }, response) => {
    response.json({ method, url: originalUrl, headers, body: Buffer.isBuffer(body) ? body.toString() : '' })
  })
  const http = await serveHttp(app, { host: '127.0.0.1', port: 0 })
  return {
    url: `http://127.0.0.1:${http.port}`,
    publicKey,
    privateKey,
    tokenFor(userId, { claims = {}, header = {}, key = privateKey } = {}) {
      const now = Math.floor(Date.now() / 1000)
      const payload = {
        iss: issuer,
        aud: 'parley',
        sub: userId,
        iat: now,
        exp: now + 600,
        jti: randomUUID(),
        client_id: 'test',
        scope: 'openid',
        ...claims,
      }
      return jwt.sign(JSON.stringify(payload), key, {
        algorithm: 'RS256',
        header: { alg: 'RS256', typ: 'at+jwt', kid: 'key-1', ...header },
      })
    },
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  }
}

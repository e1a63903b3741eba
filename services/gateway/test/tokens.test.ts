import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { acceptedEverywhere, acceptedOfEcdsa, acceptedOfExternal } from './accepted-tokens.ts'
import { startExternalIssuer, type ExternalIssuer } from './external-issuer.ts'
import { refusedEverywhere, refusedOfEcdsa, refusedOfExternal, refusedOfOwn, refusedOfRsa } from './refused-tokens.ts'
import { startTestGateway, type TestGateway } from './test-gateway.ts'
import { externalWorld, ownWorld, tokenOf, type TokenVariant, type TokenWorld } from './token-world.ts'
import { upgradeStatus } from './upgrade-status.ts'

/** So long an answer takes at most, also where keys have to be looked for. */
const IN_TIME_MS = 2_000

let rsa: ExternalIssuer
let ec: ExternalIssuer
let gateway: TestGateway
beforeAll(async () => {
  ;[rsa, ec] = await Promise.all([startExternalIssuer('RS256'), startExternalIssuer('ES256')])
  gateway = await startTestGateway({
    issuers: [
      { issuer: rsa.url, audience: 'parley', algorithms: ['RS256'] },
      { issuer: ec.url, audience: 'parley', algorithms: ['ES256'] },
    ],
  })
}, 60_000)
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
  await rsa?.[Symbol.asyncDispose]()
  await ec?.[Symbol.asyncDispose]()
})

const own = (): TokenWorld =>
  ownWorld('Parley', { url: 'http://parley.test', issuer: gateway.issuer }, () => externalWorld('rsa', rsa, own))

const worlds: [string, () => TokenWorld, { refused: TokenVariant[]; accepted: TokenVariant[] }][] = [
  [
    'Parley itself',
    own,
    { refused: [...refusedEverywhere, ...refusedOfOwn, ...refusedOfRsa], accepted: [...acceptedEverywhere] },
  ],
  [
    'an external issuer with an RSA key',
    () => externalWorld('rsa', rsa, () => externalWorld('ec', ec, own)),
    {
      refused: [...refusedEverywhere, ...refusedOfExternal, ...refusedOfRsa],
      accepted: [...acceptedEverywhere, ...acceptedOfExternal],
    },
  ],
  [
    'an external issuer with an elliptic curve',
    () => externalWorld('ec', ec, own),
    {
      refused: [...refusedEverywhere, ...refusedOfExternal, ...refusedOfEcdsa],
      accepted: [...acceptedEverywhere, ...acceptedOfExternal, ...acceptedOfEcdsa],
    },
  ],
]

/** What no header can hold; in a query anything can stand. */
const fitsIntoHeader = (token: string): boolean => /^[\x20-\x7e]+$/.test(token) && token === token.trim()
const headersOf = (token: string) => ({ authorization: `Bearer ${token}` })
const inQuery = (token: string) => `/hubs/chat?access_token=${encodeURIComponent(token)}`

/** How each door answers. */
async function answersTo(token: string): Promise<Record<string, unknown>> {
  const post = (path: string, init: RequestInit = {}) => fetch(`${gateway.url}${path}`, { method: 'POST', ...init })
  const rest = async () => {
    const answer = await post('/api/v1/connection-tickets', { headers: headersOf(token) })
    const body = (await answer.json()) as { code?: string }
    return answer.ok ? 200 : `${answer.status} ${body.code}`
  }
  const hub = async () => (await post('/hubs/chat/negotiate?negotiateVersion=1', { headers: headersOf(token) })).status
  const upgrade = () => upgradeStatus(gateway.url, '/hubs/chat', headersOf(token))
  const byHeader = fitsIntoHeader(token) ? { rest: await rest(), negotiate: await hub(), upgrade: await upgrade() } : {}
  return { ...byHeader, upgradeByQuery: await upgradeStatus(gateway.url, inQuery(token)) }
}

const REFUSED = { rest: '401 unauthenticated', negotiate: 401, upgrade: 401, upgradeByQuery: 401 }
const ACCEPTED = { rest: 200, negotiate: 200, upgrade: 101, upgradeByQuery: 101 }

describe.each(worlds)('a token of %s', (_, world, { refused, accepted }) => {
  test.each(accepted)('is good %s', async (_title, token) => {
    expect(await answersTo(token(world()))).toEqual(ACCEPTED)
  })

  test.each(refused)('that %s is refused', async (_title, token) => {
    const refusedToken = token(world())
    const startedAt = performance.now()
    const answers = await answersTo(refusedToken)
    expect(answers).toEqual(fitsIntoHeader(refusedToken) ? REFUSED : { upgradeByQuery: 401 })
    expect(performance.now() - startedAt).toBeLessThan(IN_TIME_MS)
  })

  test('is still good after all of that', async () => {
    expect(await answersTo(acceptedEverywhere[0]![1](world()))).toEqual(ACCEPTED)
  })
})

describe('a token', () => {
  const good = () => acceptedEverywhere[0]![1](own())
  const another = () => tokenOf(own(), { claims: { sub: randomUUID() } })
  const bad = () => tokenOf(own(), { claims: { exp: 1 } })

  /** With as many headers of the name as there are values: `fetch` would make one of them. */
  function statusOf(path: string, authorization: string[]): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const asking = request(`${gateway.url}${path}`, { method: 'POST' }, (answer) => {
      resolve(answer.statusCode ?? 0)
      answer.resume()
    })
    asking.setHeader('authorization', authorization).once('error', reject).end()
    return promise
  }
  const restStatus = (...authorization: string[]) => statusOf('/api/v1/connection-tickets', authorization)
  const hubStatus = (query: string, ...authorization: string[]) =>
    statusOf(`/hubs/chat/negotiate?negotiateVersion=1${query}`, authorization)

  test.each<[string, () => string[]]>([
    ['of no value', () => ['']],
    ['of a scheme without a token', () => ['Bearer']],
    ['of a scheme and a space', () => ['Bearer ']],
    ['of a token without a scheme', () => [good()]],
    ['of another scheme', () => [`Basic ${good()}`]],
    ['of a scheme that begins like it', () => [`Bearers ${good()}`]],
    ['of two tokens', () => [`Bearer ${good()} ${another()}`]],
    ['of two tokens with a comma', () => [`Bearer ${good()},${another()}`]],
    ['of two schemes', () => [`Bearer ${good()}, Bearer ${another()}`]],
    ['that stands there with another', () => [`Bearer ${good()}`, `Bearer ${another()}`]],
    ['that stands there with a bad one', () => [`Bearer ${good()}`, `Bearer ${bad()}`]],
    ['that stands there with an empty one', () => [`Bearer ${good()}`, 'Bearer ']],
  ])('in a header %s opens nothing', async (_, headers) => {
    expect([await restStatus(...headers()), await hubStatus('', ...headers())]).toEqual([401, 401])
  })

  test('opens the door in a header that says the same twice, in any case, or with more spaces', async () => {
    const token = good()
    expect(await restStatus(`Bearer ${token}`, `Bearer ${token}`)).toBe(200)
    expect(await restStatus(`bEARER   ${token}`)).toBe(200)
    expect(await hubStatus('', `Bearer ${token}`, `Bearer ${token}`)).toBe(200)
  })

  test('in the query of the hub opens nothing beside a different one', async () => {
    const token = good()
    const query = `&access_token=${token}`
    expect(await hubStatus(query)).toBe(200)
    expect(await hubStatus(query, `Bearer ${token}`)).toBe(200)
    expect(await hubStatus(query + query)).toBe(200)
    // A page behind a proxy's own sign-in cannot help sending that.
    expect(await hubStatus(query, 'Basic YWxpY2U6c2VjcmV0')).toBe(200)
    for (const authorization of [`Bearer ${another()}`, `Bearer ${bad()}`, 'Bearer ', 'Bearer']) {
      expect(await hubStatus(query, authorization)).toBe(401)
    }
    expect(await hubStatus(`${query}&Access_Token=${another()}`)).toBe(401)
    expect(await hubStatus(`${query}&access_token=`)).toBe(401)
    expect(await hubStatus('&access_token=')).toBe(401)
  })

  test('is nowhere but in the header by REST', async () => {
    expect(await statusOf(`/api/v1/connection-tickets?access_token=${good()}`, [])).toBe(401)
  })

  test('of a million characters is more than a header can be, and harms nobody', async () => {
    const statuses = [
      restStatus(`Bearer ${'a'.repeat(1_000_000)}`),
      hubStatus(`&access_token=${'a'.repeat(1_000_000)}`),
    ]
    // The answer comes before all is read: a client may see it, or only that its connection was cut.
    const answers = await Promise.all(statuses.map((status) => status.catch(() => 431)))
    expect(answers).toEqual([431, 431])
    expect(await restStatus(`Bearer ${good()}`)).toBe(200)
  })

  test('of another issuer makes no administrator and no service, whatever it says', async () => {
    const claims = { scope: 'admin chat:write', scp: ['admin'], roles: ['admin'], service: true }
    const authorization = `Bearer ${tokenOf(externalWorld('ec', ec, own), { claims })}`
    const answer = await fetch(`${gateway.url}/api/v1/admin/audit`, { headers: { authorization } })
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([403, 'forbidden'])
    expect(await restStatus(authorization)).toBe(200)
  })
})

import { randomUUID } from 'node:crypto'
import { silentLog } from '@parley/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createIdentities, type Identities } from '../src/identity/create-identities.ts'
import { GivenIssuers } from '../src/identity/issuers.ts'
import { startExternalIssuer, type ExternalIssuer } from './external-issuer.ts'
import { startTestIssuer, type TestIssuer } from './test-issuer.ts'

const PUBLIC_URL = 'http://parley.test'
const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS

let own: TestIssuer
beforeAll(async () => {
  own = await startTestIssuer(PUBLIC_URL)
})
afterAll(() => own[Symbol.asyncDispose]())

interface Open extends AsyncDisposable {
  readonly issuer: ExternalIssuer
  readonly other: ExternalIssuer
  readonly identities: Identities
  readonly pass: (ms: number) => void
  /** The code with which a token is refused, or `ok`. */
  readonly outcomeOf: (token: string) => Promise<string>
}

/** What tells who bearers are, with two external issuers, and a clock that the test moves. */
async function open({
  configured = () => ({}),
  isAway = false,
}: { configured?: (issuer: ExternalIssuer) => object; isAway?: boolean } = {}): Promise<Open> {
  const [issuer, other] = await Promise.all([startExternalIssuer(), startExternalIssuer()])
  if (isAway) await issuer.stop()
  let atMs = 0
  const common = { audience: 'parley', algorithms: ['ES256'] }
  const identities = createIdentities({
    authUrl: own.url,
    publicUrl: PUBLIC_URL,
    externalIssuers: GivenIssuers.parse(
      JSON.stringify([
        { ...common, issuer: issuer.url, ...configured(issuer) },
        { ...common, issuer: other.url },
      ]),
    ),
    calls: { auth: { recognizeUser: async () => ({ ok: true, value: { userId: randomUUID(), sessionId: null } }) } },
    log: silentLog,
    now: () => atMs,
  })
  return {
    issuer,
    other,
    identities,
    pass: (ms) => void (atMs += ms),
    outcomeOf: (token) =>
      identities.verifyToken(token).then(
        () => 'ok',
        (error: { refusal: { code: string } }) => error.refusal.code,
      ),
    async [Symbol.asyncDispose]() {
      identities[Symbol.dispose]()
      await Promise.all([issuer.stop(), other.stop()])
    },
  }
}

test('a key that is new is found, and tokens of the former one are good as long as it is served', async () => {
  await using it = await open()
  const { issuer, outcomeOf, pass } = it
  const former = issuer.token()
  expect(await outcomeOf(former)).toBe('ok')
  issuer.rotate()
  pass(30 * SECOND_MS)
  expect([await outcomeOf(issuer.token()), await outcomeOf(former)]).toEqual(['ok', 'ok'])
  issuer.rotate({ dropFormer: true })
  pass(30 * SECOND_MS)
  expect([await outcomeOf(issuer.token()), await outcomeOf(former)]).toEqual(['ok', 'unauthenticated'])
})

describe('while an issuer is away', () => {
  test('its tokens are good for hours, as those of others are, and what it has done meanwhile is found after it', async () => {
    await using it = await open()
    const { issuer, other, outcomeOf, pass } = it
    const former = issuer.token()
    expect([await outcomeOf(former), await outcomeOf(other.token())]).toEqual(['ok', 'ok'])
    await issuer.stop()
    issuer.rotate({ dropFormer: true })
    for (let minute = 0; minute < 180; minute += 10) {
      pass(10 * MINUTE_MS)
      const outcomes = [former, issuer.token(), other.token(), own.tokenFor(randomUUID())].map(outcomeOf)
      expect(await Promise.all(outcomes)).toEqual(['ok', 'unauthenticated', 'ok', 'ok'])
    }
    await issuer.start()
    pass(30 * SECOND_MS)
    expect([await outcomeOf(issuer.token()), await outcomeOf(former)]).toEqual(['ok', 'unauthenticated'])
  })

  test('and never was there, its tokens cannot be told, and those of others can', async () => {
    await using it = await open({ isAway: true })
    const { issuer, other, identities, outcomeOf, pass } = it
    const tokens = [issuer.token(), issuer.token({ exp: 1 }), issuer.token({}, { kid: 'unknown' })]
    expect(await Promise.all(tokens.map(outcomeOf))).toEqual(['unavailable', 'unavailable', 'unavailable'])
    expect(await outcomeOf(other.token())).toBe('ok')
    await identities.check()
    expect([identities.keyAgesSeconds[issuer.url], identities.keyAgesSeconds[PUBLIC_URL]]).toEqual([Infinity, 0])
    await issuer.start()
    pass(SECOND_MS)
    expect(await Promise.all(tokens.map(outcomeOf))).toEqual(['ok', 'unauthenticated', 'unauthenticated'])
    pass(MINUTE_MS)
    expect(identities.keyAgesSeconds[issuer.url]).toBe(60)
  })

  test.each<[string, ExternalIssuer['answer']]>([
    ['answers with an error', { status: 500, body: '{"keys":[]}' }],
    ['answers with a page', { body: '<html>' }],
    ['answers with something else', { body: '{"error":"no"}' }],
    ['has no keys', { body: '{"keys":[]}' }],
    ['has keys that are none', { body: '{"keys":[null,7,{"kty":"oct","k":"AAAA","kid":"key-1"}]}' }],
    ['answers with a megabyte', { body: `{"keys":[],"filler":"${'x'.repeat(1024 * 1024)}"}` }],
  ])('in that it %s, its tokens are good', async (_, answer) => {
    await using it = await open()
    const { issuer, outcomeOf, pass } = it
    expect(await outcomeOf(issuer.token())).toBe('ok')
    issuer.answer = answer
    pass(30 * SECOND_MS)
    expect(await outcomeOf(issuer.token({}, { kid: 'key-2' }))).toBe('unauthenticated')
    expect([issuer.fetched, await outcomeOf(issuer.token())]).toEqual([2, 'ok'])
  })
})

test('an issuer that does not answer makes nobody wait but those who name a key that nobody knows', async () => {
  await using it = await open()
  const { issuer, other, outcomeOf, pass } = it
  expect(await outcomeOf(issuer.token())).toBe('ok')
  issuer.answer = 'nothing'
  pass(30 * SECOND_MS)
  const startedAt = performance.now()
  const unknown = outcomeOf(issuer.token({}, { kid: 'unknown' }))
  for (let time = 0; time < 50; time += 1) {
    const tokens = [issuer.token(), other.token(), own.tokenFor(randomUUID())]
    expect(await Promise.all(tokens.map(outcomeOf))).toEqual(['ok', 'ok', 'ok'])
  }
  expect(performance.now() - startedAt).toBeLessThan(2_000)
  expect(await unknown).toBe('unauthenticated')
  expect(performance.now() - startedAt).toBeLessThan(7_000)
}, 15_000)

test('a flood of unknown keys makes one fetch in 30 seconds, and good tokens are as fast as ever', async () => {
  await using it = await open()
  const { issuer, outcomeOf, pass } = it
  expect(await outcomeOf(issuer.token())).toBe('ok')
  const tokens = Array.from({ length: 2_000 }, () => issuer.token({}, { kid: randomUUID() }))
  for (let round = 1; round <= 3; round += 1) {
    pass(30 * SECOND_MS)
    const flood = Promise.all(tokens.map(outcomeOf))
    const startedAt = performance.now()
    expect(await outcomeOf(issuer.token())).toBe('ok')
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    expect(new Set(await flood)).toEqual(new Set(['unauthenticated']))
    expect(issuer.fetched).toBe(1 + round)
  }
})

test('a token of an issuer that nobody has configured makes no fetch at all', async () => {
  await using it = await open()
  await using stranger = await startExternalIssuer()
  expect(await it.outcomeOf(stranger.token({}, { jku: `${stranger.url}/keys` }))).toBe('unauthenticated')
  expect(stranger.fetched).toBe(0)
})

describe('where the keys are', () => {
  test('can be said in the configuration, and then nothing is discovered', async () => {
    await using it = await open({ configured: ({ url }) => ({ jwks_url: `${url}/any` }) })
    it.issuer.discovery = { issuer: 'https://evil.example', jwks_uri: 'https://evil.example/keys' }
    expect(await it.outcomeOf(it.issuer.token())).toBe('ok')
  })

  test.each<[string, (stranger: ExternalIssuer, issuer: ExternalIssuer) => object]>([
    ['of another issuer', (stranger, { url }) => ({ issuer: stranger.url, jwks_uri: `${url}/keys` })],
    ['with a slash more', (_, { url }) => ({ issuer: `${url}/`, jwks_uri: `${url}/keys` })],
    ['that sends to another host', (stranger, { url }) => ({ issuer: url, jwks_uri: `${stranger.url}/keys` })],
    ['that sends to a file', (_, { url }) => ({ issuer: url, jwks_uri: 'file:///etc/keys' })],
    ['without keys', (_, { url }) => ({ issuer: url })],
    ['that is empty', () => ({})],
  ])('is not taken from a document %s', async (_, discovery) => {
    await using stranger = await startExternalIssuer()
    await using it = await open({ isAway: true })
    it.issuer.discovery = discovery(stranger, it.issuer)
    await it.issuer.start()
    it.pass(SECOND_MS)
    expect(await it.outcomeOf(it.issuer.token())).toBe('unavailable')
    expect([it.issuer.fetched, stranger.fetched]).toEqual([0, 0])
  })
})

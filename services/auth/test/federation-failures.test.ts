import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem, type Send } from './auth-system.ts'
import type { Visit } from './browser.ts'
import { startUpstream, type UpstreamProvider } from './upstream-provider.ts'
import { beginWith, signInAsPerson } from './upstream-sign-in.ts'

const garbage: Record<string, (response: ServerResponse) => void> = {
  'an error of its own': (response) => response.writeHead(500).end('oops'),
  'what is no JSON': (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('<html>'),
  'JSON of another kind': (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('[1]'),
  'an empty object': (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
  'a redirect to elsewhere': (response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
  'ten megabytes': (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(`{"a":"${'x'.repeat(10_000_000)}"}`),
  'nothing, and hangs up': (response) => response.destroy(),
  'half, and hangs up': (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"issuer":')
    setImmediate(() => response.destroy())
  },
}
const places = ['/.well-known/openid-configuration', '/token', '/jwks', '/me']

let system: AuthSystem
/** One for each place, so that all can be waited for at once. */
let upstreams: Map<string, UpstreamProvider>
beforeAll(async () => {
  system = await startAuthSystem()
  const started = places.map(async (place, index) => [place, await startUpstream(`u${index}`, { lean: true })] as const)
  upstreams = new Map(await Promise.all(started))
})
afterAll(async () => {
  for (const upstream of upstreams?.values() ?? []) await upstream[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

/** An instance that has not asked its upstreams for anything yet. */
const startFresh = () =>
  system.start({ AUTH_UPSTREAMS: JSON.stringify([...upstreams.values()].map(({ entry }) => entry)) })

/** A sign-in as far as it comes with an upstream that answers otherwise at one place. */
async function attempt(
  send: Send,
  { place, answer }: { place: string; answer: (response: ServerResponse) => void },
): Promise<Visit> {
  const upstream = upstreams.get(place)!
  upstream.person = { sub: crypto.randomUUID(), name: 'Nobody' }
  upstream.intercept = ({ url }, response) => {
    const isThere = new URL(url ?? '/', upstream.issuer).pathname === place
    if (isThere) answer(response)
    return isThere
  }
  try {
    const { browser, sent } = await beginWith(send, upstream)
    return sent.response === null ? await browser.open(await upstream.visit(sent.url)) : sent
  } finally {
    upstream.intercept = () => false
  }
}

const nobody = () => system.query(`select id from auth.users where display_name = 'Nobody'`)

test.each(places)(
  'where %s answers nonsense, nobody is signed in, and the next attempt is as good as any',
  { timeout: 20_000 },
  async (place) => {
    await using instance = await startFresh()
    for (const [what, answer] of Object.entries(garbage)) {
      const reached = await attempt(instance.send, { place, answer })
      expect([502, 503], what).toContain(reached.response?.status)
      expect(reached.html, what).toMatch(/upstream_(unavailable|failed)/)
      expect(await nobody(), what).toEqual([])
    }
    await signInAsPerson(instance.send, upstreams.get(place)!, { sub: crypto.randomUUID(), name: 'Moe' })
  },
)

test('where nothing is answered, the page comes in time', { timeout: 20_000 }, async () => {
  await using instance = await startFresh()
  await Promise.all(
    places.map(async (place) => {
      const startedAt = performance.now()
      const reached = await attempt(instance.send, { place, answer: () => undefined })
      expect(performance.now() - startedAt, place).toBeLessThan(9_000)
      expect(reached.response?.status, place).toBe(503)
      expect(reached.html, place).toContain('does not answer right now.')
    }),
  )
  expect(await nobody()).toEqual([])
})

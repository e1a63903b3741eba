import { generateKeyPair } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import Provider, { type JWK, type KoaContextWithOIDC } from 'oidc-provider'
import { ISSUER } from './auth-system.ts'

/** A person at the upstream. */
export interface Person {
  readonly sub: string
  readonly name?: unknown
  readonly picture?: unknown
  readonly email?: string
}

export interface UpstreamProvider extends AsyncDisposable {
  readonly issuer: string
  /** As `AUTH_UPSTREAMS` has it. */
  readonly entry: { readonly id: string; readonly name: string; readonly issuer: string; readonly client_id: string }
  /** Whoever comes is this person, without being asked. Null: they say no. */
  person: Person | null
  /** Answers a request in place of the provider, when it returns true. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean
  /** How often each path was asked for. */
  readonly asked: ReadonlyMap<string, number>
  /** What a browser does there: from the address it was sent to, to the address it is sent back to. */
  visit(url: URL): Promise<URL>
  /** Another key signs from now on, and no other is published. */
  rotateKeys(): Promise<void>
  stop(): Promise<void>
  start(): Promise<void>
}

const CLIENT_ID = 'parley'
const CLIENT_SECRET = 'the secret that parley has at its upstreams'
const MAX_REDIRECTS = 10

/** A real OpenID Connect provider on a port of its own. With `lean` its ID tokens name the subject only; the rest is at userinfo. */
export async function startUpstream(id: string, options: { lean: boolean }): Promise<UpstreamProvider> {
  const people = new Map<string, Person>()
  const asked = new Map<string, number>()
  let server: Server
  let port = 0
  let provider: Provider

  async function listen(): Promise<void> {
    server = createServer((request, response) => {
      const path = new URL(request.url ?? '/', upstream.issuer).pathname
      asked.set(path, (asked.get(path) ?? 0) + 1)
      if (upstream.intercept(request, response)) return
      void (path.startsWith('/interaction/') ? answerPerson(request, response) : provider.callback()(request, response))
    })
    const listening = Promise.withResolvers<void>()
    server.listen(port, '127.0.0.1', listening.resolve)
    await listening.promise
    port = (server.address() as AddressInfo).port
  }

  async function answerPerson(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { person } = upstream
    if (person !== null) people.set(person.sub, person)
    const result = person === null ? { error: 'access_denied' } : { login: { accountId: person.sub } }
    await provider.interactionFinished(request, response, result)
  }

  async function stop(): Promise<void> {
    const closed = Promise.withResolvers<void>()
    server.close(() => closed.resolve())
    server.closeAllConnections()
    await closed.promise
  }

  const upstream: UpstreamProvider = {
    get issuer() {
      return `http://127.0.0.1:${port}`
    },
    get entry() {
      const issuer = `http://127.0.0.1:${port}`
      return { id, name: `Login ${id}`, issuer, client_id: CLIENT_ID, client_secret: CLIENT_SECRET }
    },
    person: { sub: 'someone' },
    intercept: () => false,
    asked,
    async visit(start) {
      const cookies = new Map<string, string>()
      let url = start
      for (let redirects = 0; redirects < MAX_REDIRECTS; redirects += 1) {
        const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
        const response = await fetch(url, { redirect: 'manual', headers: { accept: 'text/html', cookie } })
        for (const header of response.headers.getSetCookie()) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? []
          cookies.set(name, value)
        }
        const location = response.headers.get('location')
        if (location === null) throw new Error(`the upstream answered ${response.status}: ${await response.text()}`)
        url = new URL(location, url)
        if (url.origin !== upstream.issuer) return url
      }
      throw new Error('too many redirects')
    },
    async rotateKeys() {
      provider = await createProvider({ id, issuer: upstream.issuer, people, lean: options.lean })
    },
    stop,
    start: listen,
    [Symbol.asyncDispose]: stop,
  }
  await listen()
  await upstream.rotateKeys()
  return upstream
}

async function createProvider(options: {
  id: string
  issuer: string
  people: ReadonlyMap<string, Person>
  lean: boolean
}): Promise<Provider> {
  const { id, issuer, people, lean } = options
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2_048 })
  const key = { ...privateKey.export({ format: 'jwk' }), kid: crypto.randomUUID(), use: 'sig' } as JWK
  const provider = new Provider(issuer, {
    jwks: { keys: [key] },
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [`${ISSUER}/oauth/sign-in/callback/${id}`],
      },
    ],
    cookies: { keys: [crypto.randomUUID()] },
    ttl: { Interaction: 600, Grant: 600, Session: 600, AccessToken: 600, AuthorizationCode: 60, IdToken: 600 },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    features: { devInteractions: { enabled: false } },
    conformIdTokenClaims: lean,
    claims: { openid: ['sub'], profile: ['name', 'picture'], email: ['email'] },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ ...people.get(sub), sub }) }),
    loadExistingGrant: grantAll,
  })
  provider.silent = true
  return provider
}

async function grantAll({ oidc }: KoaContextWithOIDC) {
  const grant = new oidc.provider.Grant({
    clientId: oidc.client?.clientId ?? '',
    accountId: oidc.session?.accountId ?? '',
  })
  grant.addOIDCScope('openid profile email')
  await grant.save()
  return grant
}

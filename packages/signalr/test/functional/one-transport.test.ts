import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startFunctionalServer, type FunctionalServer } from './functional-server.ts'
import { closeOf, loseServer, officialClient, reconnectionOf, startedClient, transports } from './official-client.ts'

let server: FunctionalServer
beforeAll(async () => {
  server = await startFunctionalServer()
})
afterAll(() => server[Symbol.asyncDispose]())

describe.each(transports)('over %s', (transport) => {
  const hubUrl = () => `${server.url}/testhub`

  describe('a hub that wants a token', () => {
    const url = () => `${server.url}/authorizedhub`
    const fetchToken = async () => (await fetch(`${server.url}/generateJwtToken`)).text()

    test('lets in who has one', async () => {
      const token = await fetchToken()
      await using client = await startedClient(url(), { transport, accessTokenFactory: () => token })
      expect(await client.invoke('Echo', 'in')).toBe('in')
    })

    test('does not mind another token with each request', async () => {
      const tokens: string[] = []
      const accessTokenFactory = async () => {
        tokens.push(await fetchToken())
        return tokens.at(-1)!
      }
      await using client = await startedClient(url(), { transport, accessTokenFactory })
      expect(await client.invoke('Echo', 'in')).toBe('in')
      expect(tokens.length).toBeGreaterThan(0)
    })

    test.each([
      ['without one', undefined],
      ['with a wrong one', () => 'wrong'],
    ])('turns away who comes %s, in the words that the client has for it', async (_how, accessTokenFactory) => {
      const client = officialClient(url(), { transport, ...(accessTokenFactory && { accessTokenFactory }) })
      await expect(client.start()).rejects.toMatchObject({
        message: "Failed to complete negotiation with the server: Error: Unauthorized: Status code '401'",
      })
    })
  })

  describe('requests', () => {
    test('carry the client’s name', async () => {
      await using client = await startedClient(hubUrl(), { transport })
      expect(await client.invoke('GetHeader', 'user-agent')).toMatch(/^Microsoft SignalR\/\d+\.\d+ \(.*NodeJS/)
    })

    test('carry the headers of the app, which win over those of the client', async () => {
      const headers = { 'User-Agent': 'Custom Agent', 'X-HEADER': 'VALUE' }
      await using client = await startedClient(hubUrl(), { transport, headers })
      expect(await client.invoke('GetHeader', 'User-Agent')).toBe('Custom Agent')
      expect(await client.invoke('GetHeader', 'X-HEADER')).toBe('VALUE')
    })

    test('carry the cookies that negotiate has set, and none that has expired', async () => {
      await using client = await startedClient(hubUrl(), { transport })
      expect(await client.invoke('GetCookie', 'testCookie')).toBe('testValue')
      expect(await client.invoke('GetCookie', 'testCookie2')).toBe('testValue2')
      expect(await client.invoke('GetCookie', 'expiredCookie')).toBeNull()
    })
  })

  test('a client that has lost the server comes back by itself, with another id', async () => {
    await using client = await startedClient(hubUrl(), { transport, reconnects: true })
    const firstId = client.connectionId
    const reconnection = reconnectionOf(client)
    loseServer(client)
    const secondId = await reconnection
    expect(secondId).not.toBe(firstId)
    expect(await client.invoke('GetCallerConnectionId')).toBe(secondId)
  })

  test('a client may choose another address while it reconnects', async () => {
    await using elsewhere = await startFunctionalServer()
    await using client = await startedClient(hubUrl(), { transport, reconnects: true })
    client.onreconnecting(() => {
      client.baseUrl = `${elsewhere.url}/testhub`
    })
    const reconnection = reconnectionOf(client)
    loseServer(client)
    await reconnection
    expect(await client.invoke('GetHeader', 'host')).toBe(new URL(elsewhere.url).host)
  })

  test('a hub that fails to take a client in tells it why, once', async () => {
    const client = officialClient(`${server.url}/uncreatable`, { transport })
    const closed = closeOf(client)
    const why = await Promise.race([client.start().then(() => closed), closed]).catch((error: unknown) => error)
    expect((why as Error).message).toBe(
      'Server returned an error on close: Connection closed with an error. ' +
        'InvalidOperationException: This hub cannot be created.',
    )
  })
})

describe.each(['WebSockets', 'ServerSentEvents'] as const)('over %s', (transport) => {
  test('a client that hears nothing in its time gives the server up', async () => {
    await using client = await startedClient(`${server.url}/testhub`, { transport })
    const closed = closeOf(client)
    client.serverTimeoutInMilliseconds = 1
    await client.invoke('Echo', 'the last word')
    expect(await closed).toEqual(new Error('Server timeout elapsed without receiving a message from the server.'))
  })
})

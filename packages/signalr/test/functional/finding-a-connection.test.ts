import { DefaultHttpClient, HttpClient, NullLogger, type HttpRequest, type HttpResponse } from '@microsoft/signalr'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startFunctionalServer, type FunctionalServer } from './functional-server.ts'
import { loseServer, officialClient, reconnectionOf, startedClient } from './official-client.ts'

let server: FunctionalServer
beforeAll(async () => {
  server = await startFunctionalServer()
})
afterAll(() => server[Symbol.asyncDispose]())

describe('the id of a connection', () => {
  test('is the same on both sides, and nothing before and after', async () => {
    await using client = officialClient(`${server.url}/testhub`)
    expect(client.connectionId).toBeNull()
    await client.start()
    expect(client.connectionId).toBe(await client.invoke('GetCallerConnectionId'))
    await client.stop()
    expect(client.connectionId).toBeNull()
  })

  test('stays unknown to a client that does not negotiate, also when it comes back', async () => {
    const options = { transport: 'WebSockets', skipNegotiation: true, reconnects: true } as const
    await using client = await startedClient(`${server.url}/testhub`, options)
    expect(client.connectionId).toBeNull()
    const reconnection = reconnectionOf(client)
    loseServer(client)
    expect(await reconnection).toBeUndefined()
    expect(await client.invoke('Echo', 'back')).toBe('back')
  })
})

describe('a negotiation', () => {
  test('that is redirected leads to the other address, anew with each reconnect', async () => {
    const url = `${server.url}/redirect?numRedirects=0&baseUrl=${server.url}`
    await using client = await startedClient(url, { reconnects: true })
    const before: number = await client.invoke('GetNumRedirects')
    const reconnection = reconnectionOf(client)
    loseServer(client)
    expect(await reconnection).toBe(await client.invoke('GetCallerConnectionId'))
    expect(await client.invoke('GetNumRedirects')).toBeGreaterThan(before)
  })

  test('that fails shows the client what the server answered', async () => {
    const client = officialClient(`${server.url}/bad-negotiate`)
    await expect(client.start()).rejects.toMatchObject({
      message: "Failed to complete negotiation with the server: Error: Some response from server: Status code '400'",
    })
  })
})

describe('where there are no WebSockets', () => {
  test.each([
    { protocol: 'messagepack', transport: 'LongPolling' },
    { protocol: 'json', transport: 'ServerSentEvents' },
  ] as const)('the $protocol protocol comes over $transport', async ({ protocol, transport }) => {
    await using client = await startedClient(`${server.url}/testhub-nowebsockets`, { protocol })
    expect(await client.invoke('GetActiveTransportName')).toBe(transport)
  })

  test('a client that wants nothing else is told', async () => {
    const client = officialClient(`${server.url}/testhub-nowebsockets`, { transport: 'WebSockets' })
    await expect(client.start()).rejects.toThrow(
      'Unable to connect to the server with any of the available transports.',
    )
  })
})

test('a client whose WebSocket fails takes the next transport, with a negotiation of its own', async () => {
  class BrokenWebSocket {
    constructor() {
      throw new Error('no WebSockets here')
    }
  }
  // The client takes it, but its types do not tell.
  const options: object = { WebSocket: BrokenWebSocket }
  await using client = await startedClient(`${server.url}/testhub`, options)
  expect(await client.invoke('GetActiveTransportName')).toBe('ServerSentEvents')
  expect(await client.invoke('GetCallerConnectionId')).toBe(client.connectionId)
})

/** The client's own HTTP client, overheard. */
class OverheardHttpClient extends HttpClient {
  readonly exchanges: { readonly method: string; readonly answer: Promise<HttpResponse> }[] = []
  readonly #inner = new DefaultHttpClient(NullLogger.instance)

  send(request: HttpRequest): Promise<HttpResponse> {
    const answer = this.#inner.send(request)
    this.exchanges.push({ method: request.method!, answer })
    return answer
  }
}

test('a client that stops polling says so, and its connection is over at once', async () => {
  const httpClient = new OverheardHttpClient()
  await using client = await startedClient(`${server.url}/testhub`, { transport: 'LongPolling', httpClient })
  const id = client.connectionId
  await client.stop()
  const farewell = httpClient.exchanges.find(({ method }) => method === 'DELETE')
  expect((await farewell?.answer)?.statusCode).toBe(202)
  const polls = httpClient.exchanges.filter(({ method }) => method === 'GET')
  await Promise.allSettled(polls.map(({ answer }) => answer))
  const asked = await fetch(`${server.url}/clientresult/${id}`)
  expect(await asked.text()).toBe('No such connection.')
})

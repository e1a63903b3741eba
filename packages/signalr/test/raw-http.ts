import { expect } from 'vitest'
import { negotiate, record, type TestHub } from './fixture.ts'

type Where = Pick<TestHub, 'url'>
export type RequestOptions = {
  method?: string
  body?: string
  headers?: Record<string, string>
  signal?: AbortSignal
}

export interface PlainAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** One request to the hub itself. */
export async function send(hub: Where, query: string, options: RequestOptions = {}): Promise<PlainAnswer> {
  const response = await fetch(hub.url + query, options)
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** The status of one request to the hub itself. */
export async function statusOf(hub: Where, query: string, options?: RequestOptions): Promise<number> {
  return (await send(hub, query, options)).status
}

interface RawHttpClient {
  readonly query: string
  readonly connectionId: string
  readonly post: (...messages: unknown[]) => Promise<PlainAnswer>
}

/** Disposing tells the server that it will not poll again. */
export interface RawPoller extends RawHttpClient, AsyncDisposable {
  readonly poll: (options?: RequestOptions) => Promise<PlainAnswer>
  readonly leave: () => Promise<PlainAnswer>
}

function poster(hub: Where, query: string): RawHttpClient['post'] {
  return (...messages) => send(hub, query, { method: 'POST', body: messages.map(record).join('') })
}

/** A connection over long polling, its first poll answered. */
export async function openPoller(hub: Where): Promise<RawPoller> {
  const { query, body } = await negotiate(hub)
  const poll = (options?: RequestOptions) => send(hub, query, options)
  expect(await poll()).toMatchObject({ status: 200, text: '' })
  const leave = () => send(hub, query, { method: 'DELETE' })
  return {
    query,
    connectionId: String(body['connectionId']),
    poll,
    post: poster(hub, query),
    leave,
    [Symbol.asyncDispose]: async () => void (await leave()),
  }
}

export const HANDSHAKE = { protocol: 'json', version: 1 }

/** The same behind its handshake. */
export async function startPoller(hub: Where): Promise<RawPoller> {
  const poller = await openPoller(hub)
  const answer = poller.poll()
  expect((await poller.post(HANDSHAKE)).status).toBe(200)
  expect((await answer).text).toBe('{}\u001e')
  return poller
}

export interface RawEvents extends RawHttpClient, AsyncDisposable {
  readonly headers: Headers
  /** All that has come so far. */
  text(): string
  /** The payloads of all events that have come so far. */
  payloads(): string[]
  /** Settles when the answer has ended, in order or not. */
  readonly ended: Promise<'whole' | 'broken off'>
  abort(): void
}

/** A connection over Server-Sent Events, that has not shaken hands. */
export async function openEvents(hub: Where): Promise<RawEvents> {
  const { query, body } = await negotiate(hub)
  const aborting = new AbortController()
  const response = await fetch(hub.url + query, { headers: { accept: 'text/event-stream' }, signal: aborting.signal })
  expect(response.status).toBe(200)
  let text = ''
  async function read(): Promise<'whole' | 'broken off'> {
    const decoder = new TextDecoder()
    try {
      for await (const bytes of response.body!) text += decoder.decode(bytes as Uint8Array, { stream: true })
      return 'whole'
    } catch {
      return 'broken off'
    }
  }
  const ended = read()
  return {
    query,
    connectionId: String(body['connectionId']),
    headers: response.headers,
    post: poster(hub, query),
    text: () => text,
    payloads: () => payloadsOf(text),
    ended,
    abort: () => aborting.abort(),
    async [Symbol.asyncDispose]() {
      aborting.abort()
      await ended
    },
  }
}

/** As a browser reads them. */
function payloadsOf(stream: string): string[] {
  const events = stream.slice(0, stream.lastIndexOf('\r\n\r\n') + 2).split('\r\n\r\n')
  return events
    .map((event) => event.split('\r\n').filter((line) => line.startsWith('data: ')))
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => line.slice('data: '.length)).join('\n'))
}

/** The same behind its handshake. */
export async function startEvents(hub: Where): Promise<RawEvents> {
  const events = await openEvents(hub)
  expect((await events.post(HANDSHAKE)).status).toBe(200)
  await expect.poll(() => events.payloads(), { interval: 5 }).toEqual(['{}\u001e'])
  return events
}

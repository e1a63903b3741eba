import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startFunctionalServer, type FunctionalServer } from './functional-server.ts'

let server: FunctionalServer
beforeAll(async () => {
  server = await startFunctionalServer()
})
afterAll(() => server[Symbol.asyncDispose]())

/** A connection of the echo, negotiated. */
async function negotiated(path = '/echo'): Promise<string> {
  const answer = await fetch(`${server.url}${path}/negotiate?negotiateVersion=1`, { method: 'POST' })
  const { connectionToken } = (await answer.json()) as { connectionToken: string }
  return `${server.url}/echo?id=${connectionToken}`
}

test('a bare WebSocket gets back what it sends, and the code 1000 when it closes without one', async () => {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/echo`)
  await once(socket, 'open')
  socket.send('Grüße')
  const [data, isBinary] = await once(socket, 'message')
  expect({ text: String(data), isBinary }).toEqual({ text: 'Grüße', isBinary: false })
  socket.close()
  expect((await once(socket, 'close'))[0]).toBe(1000)
})

test('Server-Sent Events bring back what is posted', async () => {
  const url = await negotiated()
  const stopped = new AbortController()
  const stream = await fetch(url, { headers: { accept: 'text/event-stream' }, signal: stopped.signal })
  expect(stream.headers.get('content-type')).toBe('text/event-stream')
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader()
  expect((await reader.read()).value).toBe(':\r\n')
  expect((await fetch(url, { method: 'POST', body: 'one\ntwo' })).status).toBe(200)
  expect((await reader.read()).value).toBe('data: one\r\ndata: two\r\n\r\n')
  stopped.abort()
})

test('a poll brings back what is posted, until the client leaves', async () => {
  const url = await negotiated()
  const opened = await fetch(url)
  expect({ status: opened.status, body: await opened.text() }).toEqual({ status: 200, body: '' })
  const poll = fetch(url)
  expect((await fetch(url, { method: 'POST', body: 'Grüße' })).status).toBe(200)
  expect(await (await poll).text()).toBe('Grüße')
  const lastPoll = fetch(url)
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(202)
  expect((await lastPoll).status).toBe(204)
})

test('a negotiation may be redirected by HTTP itself', async () => {
  const url = await negotiated('/echoredirect')
  expect((await fetch(url)).status).toBe(200)
  await fetch(url, { method: 'DELETE' })
})

test('a page of another origin may come with its credentials', async () => {
  const asked = await fetch(`${server.url}/testhub/negotiate?negotiateVersion=1`, {
    method: 'OPTIONS',
    headers: { origin: 'http://page.example', 'access-control-request-headers': 'x-signalr-user-agent' },
  })
  expect(asked.status).toBe(204)
  expect(Object.fromEntries(asked.headers)).toMatchObject({
    'access-control-allow-origin': 'http://page.example',
    'access-control-allow-credentials': 'true',
    'access-control-allow-headers': 'x-signalr-user-agent',
  })
})

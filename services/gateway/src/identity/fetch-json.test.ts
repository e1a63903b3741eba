import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { fetchJson } from './fetch-json.ts'

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
}

const never = new AbortController().signal

test('reads what is answered', async () => {
  const url = await serve((_request, response) => response.end('{"keys":[]}'))
  expect(await fetchJson(url, never)).toEqual({ keys: [] })
})

test.each<[string, RequestListener]>([
  ['an error', (_request, response) => response.writeHead(503).end('{"keys":[]}')],
  ['nothing', (_request, response) => response.writeHead(200).end()],
  ['no JSON', (_request, response) => response.end('<html>')],
  ['half an answer', (_request, response) => response.writeHead(200, { 'content-length': 99 }).end('{"keys":[]}')],
  ['a cut connection', (request) => request.socket.destroy()],
])('%s is none', async (_, answer) => {
  await expect(fetchJson(await serve(answer), never)).rejects.toThrow()
})

test('a redirect is not followed', async () => {
  const elsewhere = vi.fn<RequestListener>((_request, response) => response.end('{"keys":[]}'))
  const location = await serve(elsewhere)
  const url = await serve((_request, response) => response.writeHead(302, { location }).end())
  await expect(fetchJson(url, never)).rejects.toThrow()
  expect(elsewhere).not.toHaveBeenCalled()
})

test('an answer without an end is cut off', async () => {
  let isCut = false
  const url = await serve((_request, response) => {
    const more = () => {
      while (!response.destroyed && response.write(' '.repeat(16 * 1024)));
    }
    response.on('drain', more).on('close', () => (isCut = true))
    more()
  })
  await expect(fetchJson(url, never)).rejects.toThrow('answers more than')
  await expect.poll(() => isCut).toBe(true)
})

test('an issuer that does not answer is given up after 5 seconds, also in the middle', async () => {
  const silent = await serve(() => {})
  const slow = await serve((_request, response) => response.write('{'))
  const startedAt = performance.now()
  const ends = await Promise.allSettled([fetchJson(silent, never), fetchJson(slow, never)])
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(performance.now() - startedAt).toBeLessThan(7_000)
}, 15_000)

test('who stops does not wait for an answer', async () => {
  const stopping = new AbortController()
  const fetching = fetchJson(await serve(() => stopping.abort()), stopping.signal)
  await expect(fetching).rejects.toThrow('aborted')
})

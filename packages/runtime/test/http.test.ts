import { Agent, request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { serveHttp } from '@parley/runtime'
import { expect, test } from 'vitest'

const host = '127.0.0.1'

function get(port: number, agent: Agent): Promise<string> {
  const answered = Promise.withResolvers<IncomingMessage>()
  request({ host, port, agent }, answered.resolve).on('error', answered.reject).end()
  return answered.promise.then((response) => text(response))
}

test('a port that is taken is an error, not a hang', async () => {
  await using first = await serveHttp(() => undefined, { host, port: 0 })
  await expect(serveHttp(() => undefined, { host, port: first.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

test('disposing answers the request under way and does not wait for connections that are kept alive', async () => {
  const begun = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  const http = await serveHttp(
    (_request, response) => {
      begun.resolve()
      void finish.promise.then(() => response.end('done'))
    },
    { host, port: 0 },
  )
  const agent = new Agent({ keepAlive: true })
  const underWay = get(http.port, agent)
  await begun.promise
  const closing = performance.now()
  const disposed = http[Symbol.asyncDispose]()
  await expect(get(http.port, new Agent())).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  finish.resolve()
  expect(await underWay).toBe('done')
  await disposed
  expect(performance.now() - closing).toBeLessThan(2_000)
  agent.destroy()
})

test('what does not end in time is cut, connections of another protocol too', async () => {
  const http = await serveHttp(() => undefined, { host, port: 0, closeTimeoutMs: 100 })
  http.server.on('upgrade', (_request, socket) => {
    socket.on('error', () => undefined)
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chess\r\n\r\n')
  })
  const hanging = get(http.port, new Agent()).catch((error: unknown) => error)
  const upgraded = connect(http.port, host)
  upgraded.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: chess\r\n\r\n')
  const answered = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  upgraded.once('data', () => answered.resolve()).once('close', () => ended.resolve())
  await answered.promise
  await http[Symbol.asyncDispose]()
  await ended.promise
  expect(await hanging).toMatchObject({ code: 'ECONNRESET' })
})

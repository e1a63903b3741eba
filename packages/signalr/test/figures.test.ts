import { expect, test } from 'vitest'
import { encodeInvocation } from '../src/index.ts'
import { negotiate, rawClient, rawSocket, startHub } from './fixture.ts'

test('a server counts who comes, who goes and why, what waits, and what a slow client did not get', async () => {
  await using hub = await startHub({ limits: { lossyAboveBytes: 1_000, bufferedBytes: 64 * 1024 * 1024 } })
  await using client = await rawClient(hub)
  const { server } = hub
  expect(server.figures).toMatchObject({
    connections: { WebSockets: 1, ServerSentEvents: 0, LongPolling: 0 },
    opened: 1,
    ended: {},
    dropped: 0,
    replaced: 0,
    bufferedBytes: 0,
    leaving: null,
  })
  const connection = hub.connections()[0]!
  connection.sendFrame(encodeInvocation('Chunk', ['x'.repeat(30 * 1024 * 1024)]))
  for (let index = 0; index < 3; index++) {
    connection.sendFrame(encodeInvocation('Typing', [index]), 'ephemeral')
    connection.sendFrame(encodeInvocation('Read', [index]), { stateKey: 'read' })
  }
  expect(server.figures).toMatchObject({ dropped: 3, replaced: 2 })
  expect(server.figures.bufferedBytes).toBeGreaterThan(1_000)
  expect(connection.isSlow).toBe(true)
  client.socket.terminate()
  await expect
    .poll(() => server.figures)
    .toMatchObject({ connections: { WebSockets: 0 }, ended: { lost: 1 }, bufferedBytes: 0 })
})

test('who goes before the handshake, or shakes hands badly, is counted for itself', async () => {
  await using hub = await startHub()
  await using gone = await rawSocket(hub)
  gone.socket.terminate()
  await using wrong = await rawSocket(hub)
  wrong.send({ protocol: 'morse', version: 1 })
  await wrong.closed
  await expect.poll(() => hub.server.figures).toMatchObject({ failedHandshakes: 2, opened: 0, ended: {} })
})

test('a server that stops counts whom it has still to close, and whom it turns away', async () => {
  await using hub = await startHub({})
  await using _client = await rawClient(hub)
  const stopping = hub.server.stop({ overMs: 0 })
  expect(hub.server.figures.leaving).toBe(1)
  expect((await negotiate(hub)).status).toBe(503)
  expect(hub.server.figures.turnedAway).toBe(1)
  await stopping
  expect(hub.server.figures).toMatchObject({ leaving: 0, ended: { 'server stopping': 1 } })
})

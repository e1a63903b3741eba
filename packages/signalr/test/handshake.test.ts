import { expect, test } from 'vitest'
import { officialClient, rawSocket, startHub } from './fixture.ts'

test.each([1, 2])('handshake version %i is accepted with an empty object', async (version) => {
  await using hub = await startHub()
  await using client = await rawSocket(hub)
  client.send({ protocol: 'json', version })
  await expect.poll(() => client.frames).toEqual([{ isBinary: false, text: '{}\u001e' }])
})

test.each([
  [{ protocol: 'x', version: 1 }, "The protocol 'x' is not supported."],
  [{ protocol: 'MessagePack', version: 1 }, "The protocol 'MessagePack' is not supported."],
  [{ protocol: 'messagepack', version: 3 }, "The server does not support version 3 of the 'messagepack' protocol."],
  [{ protocol: '', version: 10 }, "The protocol '' is not supported."],
  [{ protocol: 'json', version: 3 }, "The server does not support version 3 of the 'json' protocol."],
  [{ protocol: 'json', version: -1 }, "The server does not support version -1 of the 'json' protocol."],
  [{}, 'An unexpected error occurred during connection handshake.'],
  [[], 'An unexpected error occurred during connection handshake.'],
  [42, 'An unexpected error occurred during connection handshake.'],
  [null, 'An unexpected error occurred during connection handshake.'],
  [{ protocol: 'json' }, 'An unexpected error occurred during connection handshake.'],
  [{ version: 1 }, 'An unexpected error occurred during connection handshake.'],
  [{ protocol: 'json', version: '1' }, 'An unexpected error occurred during connection handshake.'],
  [{ protocol: null, version: 1 }, 'An unexpected error occurred during connection handshake.'],
  [{ type: 6 }, 'An unexpected error occurred during connection handshake.'],
  [{ type: 1, target: 'Echo', arguments: [] }, 'An unexpected error occurred during connection handshake.'],
])('the handshake %j is refused and the socket closed', async (handshake, error) => {
  let connected = 0
  await using hub = await startHub({ hub: { onConnected: () => connected++ } })
  await using client = await rawSocket(hub)
  client.send(handshake)
  expect(await client.closed).toEqual({ code: 1000 })
  expect(client.messages).toEqual([{ error }])
  expect([connected, hub.ended]).toEqual([0, []])
})

test('a handshake may come in pieces, in binary frames, and with the first messages behind it', async () => {
  const heard: unknown[] = []
  await using hub = await startHub({ hub: { methods: { Say: (_, text) => void heard.push(text) } } })
  await using client = await rawSocket(hub)
  const bytes = Buffer.from(
    '{"protocol":"json","version":1,"extra":true}\u001e{"type":1,"target":"Say","arguments":["héllo 👋"]}\u001e{"type":6}\u001e',
  )
  for (const byte of bytes) client.socket.send(Buffer.of(byte))
  await expect.poll(() => heard).toEqual(['héllo 👋'])
  expect(client.messages).toEqual([{}])
})

test('who does not shake hands in time is told so and closed', async () => {
  await using hub = await startHub({ handshakeTimeoutMs: 100 })
  await using client = await rawSocket(hub)
  client.socket.send('{"protocol":"json"')
  await client.closed
  expect(client.messages).toEqual([{ error: 'Handshake was canceled.' }])
})

test('a handshake larger than a message may be is canceled', async () => {
  await using hub = await startHub({ limits: { messageBytes: 1_000 } })
  await using client = await rawSocket(hub)
  client.socket.send(`{"protocol":"json","version":1,"padding":"${'x'.repeat(1_000)}`)
  await client.closed
  expect(client.messages).toEqual([{ error: 'Handshake was canceled.' }])
})

test('the official client fails to start with the text of the refusal', async () => {
  await using hub = await startHub()
  const client = officialClient(hub)
  Object.assign(Reflect.get(client, '_protocol') as object, { name: 'smoke-signals' })
  await expect(client.start()).rejects.toThrow("The protocol 'smoke-signals' is not supported.")
})

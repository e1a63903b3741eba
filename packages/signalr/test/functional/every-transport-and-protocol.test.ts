import { Subject } from '@microsoft/signalr'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startFunctionalServer, type FunctionalServer } from './functional-server.ts'
import { callOf, closeOf, itemsOf, officialClient, pairs, startedClient } from './official-client.ts'

let server: FunctionalServer
beforeAll(async () => {
  server = await startFunctionalServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const TEXT = 'Grüße, Ω, 日本, 🎉'

describe.each(pairs)('$protocol over $transport', (pair) => {
  const hubUrl = () => `${server.url}/testhub`
  const started = () => startedClient(hubUrl(), pair)

  describe('calls to the server', () => {
    test('a call is answered with its result, over the transport that was asked for', async () => {
      await using client = await started()
      expect(await client.invoke('Echo', TEXT)).toBe(TEXT)
      expect(await client.invoke('echo', null)).toBeNull()
      expect(await client.invoke('GetActiveTransportName')).toBe(pair.transport)
      expect(await client.invoke('GetCallerConnectionId')).toBe(client.connectionId)
    })

    test('a call that asks for no answer is made before those behind it', async () => {
      await using client = await started()
      const heard = callOf(client, 'Message')
      await client.send('InvokeWithString', TEXT)
      await client.invoke('Echo', 'behind it')
      expect(await heard).toEqual([TEXT])
    })

    test('many calls at once are each answered with their own result', async () => {
      await using client = await started()
      const numbers = Array.from({ length: 100 }, (_, number) => number)
      expect(await Promise.all(numbers.map((number) => client.invoke('Echo', number)))).toEqual(numbers)
    })

    test('a client that stops does so without an error', async () => {
      const client = await started()
      const closed = closeOf(client)
      await client.stop()
      expect(await closed).toBeUndefined()
    })

    test('a stopped client can be started again, and is somebody else then', async () => {
      await using client = await started()
      const firstId = client.connectionId
      await client.stop()
      await client.start()
      expect(await client.invoke('Echo', TEXT)).toBe(TEXT)
      expect(client.connectionId).not.toBe(firstId)
    })
  })

  describe('errors', () => {
    const thrown = (name: string) =>
      `An unexpected error occurred invoking '${name}' on the server. InvalidOperationException: no`
    const streaming = (name: string) =>
      `The client attempted to invoke the streaming '${name}' method with a non-streaming invocation.`

    test('the error of a method is told in the words of ASP.NET Core', async () => {
      await using client = await started()
      await expect(client.invoke('ThrowException', 'no')).rejects.toThrow(new Error(thrown('ThrowException')))
      expect(await client.invoke('Echo', 'still here')).toBe('still here')
    })

    test('so is the error of a stream that breaks before its first item', async () => {
      await using client = await started()
      await expect(itemsOf(client, 'StreamThrowException', 'no')).rejects.toThrow(
        new Error(thrown('StreamThrowException')),
      )
    })

    test.each(['Stream', 'EmptyStream'])('%s is a stream, and cannot be invoked for a result', async (name) => {
      await using client = await started()
      await expect(client.invoke(name)).rejects.toThrow(new Error(streaming(name)))
    })

    test('a method that is no stream cannot be streamed', async () => {
      await using client = await started()
      await expect(itemsOf(client, 'Echo', 'text')).rejects.toThrow(
        new Error("The client attempted to invoke the non-streaming 'Echo' method with a streaming invocation."),
      )
    })

    test('a method that does not exist is named', async () => {
      await using client = await started()
      await expect(client.invoke('Nonsense')).rejects.toThrow(new Error("Unknown hub method 'Nonsense'"))
    })
  })

  describe('calls to the client', () => {
    test('find their handler whatever the case of its name', async () => {
      await using client = await started()
      const heard = [callOf(client, 'message'), callOf(client, 'MESSAGE'), callOf(client, 'mesSage')]
      await client.invoke('InvokeWithString', TEXT)
      expect(await Promise.all(heard)).toEqual([[TEXT], [TEXT], [TEXT]])
    })

    test('find it again after a restart', async () => {
      await using client = officialClient(hubUrl(), pair)
      const heard: string[] = []
      client.on('Message', (text: string) => void heard.push(text))
      for (const text of ['first', 'second']) {
        await client.start()
        await client.invoke('InvokeWithString', text)
        await client.stop()
      }
      expect(heard).toEqual(['first', 'second'])
    })

    test('carry objects with their property names as they are', async () => {
      await using client = await started()
      const heard = callOf(client, 'CustomObject')
      await client.send('SendCustomObject', { Name: 'test', Value: 42 })
      expect(await heard).toEqual([{ Name: 'test', Value: 42 }])
    })

    test('can be answered, with a value, with an error, or not at all', async () => {
      await using client = await started()
      const ask = async () => (await fetch(`${server.url}/clientresult/${client.connectionId}`)).text()
      expect(await ask()).toBe("Client didn't provide a result.")
      client.on('Result', () => 10)
      expect(await ask()).toBe('10')
      client.off('Result')
      client.on('Result', () => {
        throw new Error('from the handler')
      })
      expect(await ask()).toBe('Error: from the handler')
    })
  })

  describe('values', () => {
    const isBinary = pair.protocol === 'messagepack'
    const object = (bytes: number[], time: string) => ({
      ByteArray: isBinary ? new Uint8Array(bytes) : Buffer.from(bytes).toString('base64'),
      DateTime: isBinary ? new Date(time) : time,
      Guid: '00010203-0405-0607-0706-050403020100',
    })

    test('bytes, dates, ids and lists come back as they were', async () => {
      await using client = await started()
      const sent = { ...object([104, 101, 0, 255], '2002-04-01T10:20:15Z'), IntArray: [1, -2, 255], String: TEXT }
      const echoed: Record<string, unknown> = await client.invoke('EchoComplexObject', sent)
      expect({ ...echoed, ByteArray: plain(echoed['ByteArray']) }).toEqual(sent)
    })

    test('the server sends them in the form that the protocol has for them', async () => {
      await using client = await started()
      const received: Record<string, unknown> = await client.invoke('SendComplexObject')
      expect({ ...received, ByteArray: plain(received['ByteArray']) }).toEqual({
        ...object([1, 2, 3], '2000-01-01T00:00:00Z'),
        IntArray: [1, 2, 3],
        String: 'hello world',
      })
    })
  })

  describe('streams', () => {
    test('the items of a stream arrive in order, and then its end', async () => {
      await using client = await started()
      expect(await itemsOf(client, 'Stream')).toEqual(['a', 'b', 'c'])
      expect(await itemsOf(client, 'EmptyStream')).toEqual([])
    })

    test('a stream that the client cancels ends on the server', async () => {
      await using client = await started()
      const canceled = callOf(client, 'StreamCanceled')
      client
        .stream('InfiniteStream')
        .subscribe({ next() {}, error() {}, complete() {} })
        .dispose()
      expect(await canceled).toEqual([])
    })

    test('a method reads what the client streams to it', async () => {
      await using client = await started()
      const pieces = new Subject<string>()
      const text = client.invoke('StreamingConcat', pieces)
      for (const piece of ['one ', 'two ', TEXT]) pieces.next(piece)
      pieces.complete()
      expect(await text).toBe(`one two ${TEXT}`)
    })

    test('an error in such a stream reaches the method, and the client through it', async () => {
      await using client = await started()
      const pieces = new Subject<string>()
      const text = client.invoke('StreamingConcat', pieces)
      pieces.next('one')
      pieces.error(new Error('broken'))
      await expect(text).rejects.toThrow(
        new Error("An unexpected error occurred invoking 'StreamingConcat' on the server. HubException: broken"),
      )
    })
  })
})

/** A view of the client's own buffer is compared by its bytes. */
const plain = (bytes: unknown) => (bytes instanceof Uint8Array ? new Uint8Array(bytes) : bytes)

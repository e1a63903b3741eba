import { connect, StorageType } from 'nats'
import { describe, expect, test } from 'vitest'
import { startNats, type Server } from '@parley/local'
import { temporaryDirectory } from './temporary-directory.ts'

async function storeEvent(server: Server): Promise<void> {
  const connection = await connect({ servers: server.url })
  const manager = await connection.jetstreamManager()
  await manager.streams.add({ name: 'KEPT', subjects: ['kept.>'], storage: StorageType.File })
  await connection.jetstream().publish('kept.event', 'hello')
  await connection.close()
}

async function storedEvents(server: Server): Promise<number> {
  const connection = await connect({ servers: server.url })
  const manager = await connection.jetstreamManager()
  const { state } = await manager.streams.info('KEPT')
  await connection.close()
  return state.messages
}

describe('NATS', () => {
  test('keeps what JetStream stored over a stop', async () => {
    await using directory = await temporaryDirectory()
    const first = await startNats({ directory: directory.path })
    await storeEvent(first)
    await first[Symbol.asyncDispose]()

    await using second = await startNats({ directory: directory.path })
    expect(await storedEvents(second)).toBe(1)
  })

  test('starts again on the same port when it was killed, with what it had stored', async () => {
    await using directory = await temporaryDirectory()
    await using first = await startNats({ directory: directory.path })
    await storeEvent(first)
    process.kill(first.pid!, 'SIGKILL')
    expect(await first.ended).toBe('SIGKILL')

    const port = Number(new URL(first.url).port)
    await using second = await startNats({ directory: directory.path, port })
    expect(second.url).toBe(first.url)
    expect(await storedEvents(second)).toBe(1)
  })

  test('starts in well under a second', async () => {
    await using directory = await temporaryDirectory()
    const startedAt = performance.now()
    await using _server = await startNats({ directory: directory.path })
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })

  test('says in a sentence that the server of a URL does not answer', async () => {
    const start = startNats({ directory: '/nowhere', url: 'nats://127.0.0.1:1' })
    await expect(start).rejects.toThrow(/^The server of NATS_URL does not answer as it should: /)
  })
})

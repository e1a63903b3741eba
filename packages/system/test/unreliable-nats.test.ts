import { testNats } from '@parley/testing'
import { connect, headers, type Msg } from 'nats'
import { describe, expect, test } from 'vitest'
import { startUnreliableNats, type NoticeFaults } from '../src/unreliable-nats.ts'

const CONCERNED = 'gateway.notice.deliver.1'
const OTHER = 'messaging.call.send-messages'

/** A speaker at NATS itself and a listener behind the proxy. */
async function openTalk(faults: Partial<NoticeFaults>, seed = 7) {
  await using stack = new AsyncDisposableStack()
  const nats = stack.use(await testNats())
  const proxy = stack.use(await startUnreliableNats(nats.url, { faults, seed }))
  const [speaker, listener] = await Promise.all([nats.url, proxy.url].map((servers) => connect({ servers })))
  const heard: Msg[] = []
  for (const subject of [CONCERNED, OTHER]) {
    listener!.subscribe(subject, { callback: (_error, message) => void heard.push(message) })
  }
  await listener!.flush()
  stack.defer(async () => {
    await Promise.all([speaker!.close(), listener!.close()])
  })
  const opened = stack.move()
  return {
    proxy,
    speaker: speaker!,
    heard,
    /** Says so many numbers on both subjects in turn; resolves when the listener has what NATS has sent. */
    async count(upTo: number) {
      for (let number = 1; number <= upTo; number += 1) {
        for (const subject of [CONCERNED, OTHER]) speaker!.publish(subject, String(number))
      }
      await speaker!.flush()
      await listener!.flush()
    },
    numbersOn: (subject: string) =>
      heard.filter((one) => one.subject === subject).map((message) => Number(message.string())),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

describe('a NATS through the proxy', () => {
  test('says what it says, with large payloads and headers, while no fault is asked for', async () => {
    await using talk = await openTalk({})
    const { speaker, heard } = talk
    const large = Buffer.alloc(1024 * 1024 - 100, 'MSG x 1 3\r\n')
    const given = headers()
    given.append('traceparent', 'a trace')
    speaker.publish(CONCERNED, large, { headers: given, reply: 'a.reply' })
    speaker.publish(CONCERNED, '')
    await talk.count(100)
    await expect.poll(() => heard.length).toBe(202)
    const [first, second] = heard
    expect(Buffer.compare(first!.data, large)).toBe(0)
    expect(first).toMatchObject({ subject: CONCERNED, reply: 'a.reply' })
    expect(first!.headers?.get('traceparent')).toBe('a trace')
    expect(second!.data).toHaveLength(0)
    for (const subject of [CONCERNED, OTHER]) expect(talk.numbersOn(subject).slice(-100)).toEqual(upTo(100))
    expect(talk.proxy.done).toEqual({ dropped: 0, doubled: 0, reordered: 0 })
  })

  test('carries questions and answers both ways', async () => {
    await using nats = await testNats()
    await using proxy = await startUnreliableNats(nats.url, { faults: { drop: 1 } })
    const connection = await connect({ servers: proxy.url })
    connection.subscribe('echo', { callback: (_error, message) => void message.respond(message.data) })
    const answers = await Promise.all(
      upTo(20).map((number) => connection.request('echo', String(number).repeat(20_000))),
    )
    expect(answers.map((answer) => answer.string().length)).toEqual(
      upTo(20).map((number) => 20_000 * String(number).length),
    )
    await connection.close()
  })

  test('loses all that is concerned and nothing else, and nothing any more when the faults are off', async () => {
    await using talk = await openTalk({ drop: 1 })
    await talk.count(100)
    await expect.poll(() => talk.numbersOn(OTHER)).toEqual(upTo(100))
    expect(talk.numbersOn(CONCERNED)).toEqual([])
    expect(talk.proxy.done.dropped).toBe(100)
    talk.proxy.faults.enabled = false
    await talk.count(3)
    await expect.poll(() => talk.numbersOn(CONCERNED)).toEqual(upTo(3))
  })

  test('says twice all that is concerned and nothing else', async () => {
    await using talk = await openTalk({ double: 1 })
    await talk.count(50)
    await expect.poll(() => talk.numbersOn(OTHER)).toEqual(upTo(50))
    expect(talk.numbersOn(CONCERNED)).toEqual(upTo(50).flatMap((number) => [number, number]))
  })

  test('puts what is concerned into another order and loses nothing of it, not even the last', async () => {
    await using talk = await openTalk({ reorder: 0.5 })
    await talk.count(100)
    await expect.poll(() => talk.numbersOn(CONCERNED).length).toBe(100)
    const numbers = talk.numbersOn(CONCERNED)
    expect(numbers).not.toEqual(upTo(100))
    expect(numbers.toSorted((a, b) => a - b)).toEqual(upTo(100))
    expect(talk.numbersOn(OTHER)).toEqual(upTo(100))
    talk.proxy.faults.reorder = 1
    await talk.count(1)
    await expect.poll(() => talk.numbersOn(CONCERNED).length).toBe(101)
  })

  test('has the same faults again with the same seed', async () => {
    const numbers = await Promise.all(
      [5, 5, 6].map(async (seed) => {
        await using talk = await openTalk({ drop: 0.3, double: 0.3 }, seed)
        await talk.count(100)
        await expect.poll(() => talk.numbersOn(OTHER).length).toBe(100)
        return talk.numbersOn(CONCERNED)
      }),
    )
    expect(numbers[0]).toEqual(numbers[1])
    expect(numbers[0]).not.toEqual(numbers[2])
  })

  test('can be killed and restarted behind it', async () => {
    await using nats = await testNats()
    await using proxy = await startUnreliableNats(nats.url)
    const connection = await connect({ servers: proxy.url, maxReconnectAttempts: -1, reconnectTimeWait: 20 })
    const heard: string[] = []
    connection.subscribe('after', { callback: (_error, message) => void heard.push(message.string()) })
    await nats.kill()
    await nats.restart()
    await expect
      .poll(async () => {
        connection.publish('after', 'back')
        await connection.flush()
        return heard.length
      })
      .toBeGreaterThan(0)
    expect(connection.getServer()).toBe(new URL(proxy.url).host)
    await connection.close()
  })
})

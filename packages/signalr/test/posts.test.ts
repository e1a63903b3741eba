import { request, type ClientRequest } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { record, startHub, type TestHub } from './fixture.ts'
import { openPoller, send, startEvents, startPoller, statusOf } from './raw-http.ts'

const noting = (heard: unknown[]) => ({ methods: { Note: (_: unknown, value: unknown) => void heard.push(value) } })
const note = (value: unknown) => ({ type: 1, target: 'Note', arguments: [value] })

/** A POST of which the test sends the body. */
function openPost(hub: TestHub, query: string, headers: Record<string, string> = {}) {
  const answer = Promise.withResolvers<number | undefined>()
  const post: ClientRequest = request(hub.url + query, { method: 'POST', headers }, (response) => {
    response.resume()
    answer.resolve(response.statusCode)
  })
  post.on('error', answer.reject)
  post.flushHeaders()
  return { post, status: answer.promise }
}

test.each([
  ['long polling', startPoller],
  ['Server-Sent Events', startEvents],
])('over %s, a POST is taken as a whole when all of it is there', async (_, start) => {
  const heard: unknown[] = []
  await using hub = await startHub({ hub: noting(heard) })
  await using client = await start(hub)
  const { post, status } = openPost(hub, client.query)
  post.write(record(note(1)) + record(note(2)).slice(0, 10))
  await delay(50)
  expect(heard).toEqual([])
  post.end(record(note(2)).slice(10))
  expect(await status).toBe(200)
  await expect.poll(() => heard).toEqual([1, 2])
})

test('a message may be spread over several POSTs, and an empty POST says nothing', async () => {
  const heard: unknown[] = []
  await using hub = await startHub({ hub: noting(heard) })
  await using client = await startPoller(hub)
  for (const body of [record(note(1)).slice(0, 5), '', record(note(1)).slice(5)]) {
    expect(await statusOf(hub, client.query, { method: 'POST', body })).toBe(200)
  }
  await expect.poll(() => heard).toEqual([1])
})

test('a POST whose body stops coming is given up, and nothing of it is taken', async () => {
  const heard: unknown[] = []
  await using hub = await startHub({ bodyTimeoutMs: 100, hub: noting(heard) })
  await using client = await startPoller(hub)
  const { post, status } = openPost(hub, client.query)
  post.write(record(note('never')))
  expect(await status).toBe(408)
  post.destroy()
  expect((await client.post(note('next'))).status).toBe(200)
  await expect.poll(() => heard).toEqual(['next'])
})

test('a POST that is broken off leaves nothing behind', async () => {
  const heard: unknown[] = []
  await using hub = await startHub({ hub: noting(heard) })
  await using client = await startPoller(hub)
  const { post, status } = openPost(hub, client.query)
  post.write(record(note('never')))
  await delay(30)
  post.destroy()
  await expect(status).rejects.toThrow()
  expect((await client.post(note('next'))).status).toBe(200)
  await expect.poll(() => heard).toEqual(['next'])
})

test('POSTs are taken one after the other, in the order in which they came', async () => {
  const heard: unknown[] = []
  await using hub = await startHub({ hub: noting(heard) })
  await using client = await startPoller(hub)
  const slow = openPost(hub, client.query)
  slow.post.write(record(note(1)).slice(0, 5))
  await delay(30)
  const quick = client.post(note(2))
  await delay(30)
  expect(heard).toEqual([])
  slow.post.end(record(note(1)).slice(5))
  expect([await slow.status, (await quick).status]).toEqual([200, 200])
  await expect.poll(() => heard).toEqual([1, 2])
})

test('a body of more than 1 MB gets a 413, whether it says so or not, and nothing of it is taken', async () => {
  const heard: unknown[] = []
  await using hub = await startHub({ hub: noting(heard) })
  await using client = await startPoller(hub)
  const records = record(note('x'.repeat(100_000))).repeat(11)
  expect(await statusOf(hub, client.query, { method: 'POST', body: records })).toBe(413)
  const chunked = openPost(hub, client.query, { 'transfer-encoding': 'chunked' })
  for (let sent = 0; sent < 11; sent++) chunked.post.write(record(note('x'.repeat(100_000))))
  expect(await chunked.status).toBe(413)
  chunked.post.destroy()
  const nineTenths = record(note('x'.repeat(100_000))).repeat(9)
  expect(await statusOf(hub, client.query, { method: 'POST', body: nineTenths })).toBe(200)
  await expect.poll(() => heard.length).toBe(9)
})

test('a body in a hundred thousand pieces is taken, too', async () => {
  await using hub = await startHub({ hub: { methods: { Length: (_, text) => String(text).length } } })
  await using client = await startPoller(hub)
  const { post, status } = openPost(hub, client.query, { 'transfer-encoding': 'chunked' })
  for (const character of record({ type: 1, invocationId: '0', target: 'Length', arguments: ['x'.repeat(100_000)] })) {
    post.write(character)
  }
  post.end()
  expect(await status).toBe(200)
  expect((await client.poll()).text).toBe(record({ type: 3, invocationId: '0', result: 100_000 }))
})

test('while the connection takes no more, POSTs wait for their answer', async () => {
  const gate = Promise.withResolvers<void>()
  await using hub = await startHub({
    limits: { unfinishedInvocations: 2 },
    hub: { methods: { Wait: () => gate.promise } },
  })
  await using client = await startPoller(hub)
  const wait = { type: 1, target: 'Wait', arguments: [] }
  expect((await client.post(wait, wait)).status).toBe(200)
  const answered: number[] = []
  const held = [1, 2, 3].map(async (number) => {
    expect((await client.post(wait)).status).toBe(200)
    answered.push(number)
  })
  await delay(100)
  expect(answered).toEqual([])
  gate.resolve()
  await Promise.all(held)
  expect(answered).toHaveLength(3)
})

test('the answer to a call by the server is found although the POST before it waits', async () => {
  await using hub = await startHub({
    limits: { unfinishedInvocations: 1 },
    hub: { methods: { Ask: (connection) => connection.invoke('Answer', []) } },
  })
  await using client = await startPoller(hub)
  const ask = (invocationId: string) => ({ type: 1, invocationId, target: 'Ask', arguments: [] })
  const asked = client.post(ask('0'), ask('1'))
  let text = ''
  for (let answers = 0; answers < 2;) {
    const poll = (await client.poll()).text
    text += poll
    for (const [, invocationId] of poll.matchAll(/"invocationId":"(s\d+)"/g)) {
      expect((await client.post({ type: 3, invocationId, result: ++answers })).status).toBe(200)
    }
  }
  while (!text.includes('"result":2')) text += (await client.poll()).text
  expect((await asked).status).toBe(200)
})

test('when the connection ends, POSTs that wait are answered: what was taken with 200, the others with 404', async () => {
  const gate = Promise.withResolvers<void>()
  await using hub = await startHub({
    limits: { unfinishedInvocations: 1 },
    invocationGraceMs: 10,
    hub: { methods: { Wait: () => gate.promise } },
  })
  await using client = await startPoller(hub)
  const wait = { type: 1, target: 'Wait', arguments: [] }
  const taken = client.post(wait, wait)
  await delay(30)
  const waiting = client.post(wait)
  const half = openPost(hub, client.query)
  half.post.write('{')
  await delay(30)
  hub.connections()[0]!.close()
  expect([(await taken).status, (await waiting).status, await half.status]).toEqual([200, 404, 404])
  half.post.destroy()
  gate.resolve()
})

test('a POST before the connection is opened gets a 404', async () => {
  await using hub = await startHub()
  const negotiated = await fetch(`${hub.url}/negotiate?negotiateVersion=1`, { method: 'POST' })
  const { connectionToken } = (await negotiated.json()) as { connectionToken: string }
  const answer = await send(hub, `?id=${connectionToken}`, { method: 'POST', body: '{}' })
  expect(answer).toMatchObject({ status: 404, text: 'No Connection with that ID' })
})

test('what breaks the protocol in a POST ends the connection, and the client is told with its next poll', async () => {
  await using hub = await startHub()
  await using client = await startPoller(hub)
  expect(await statusOf(hub, client.query, { method: 'POST', body: 'nonsense\u001e' })).toBe(200)
  expect((await client.poll()).text).toContain('Connection closed with an error.')
  expect(hub.ended).toMatchObject([{ reason: 'protocol error' }])
  await using late = await openPoller(hub)
  expect((await late.post({ type: 6 })).status).toBe(200)
  expect((await late.poll()).text).toContain('"error"')
})

test('more than sixteen POSTs of a connection at once are refused, and the others are taken one after the other', async () => {
  const heard: unknown[] = []
  await using hub = await startHub({ hub: noting(heard) })
  await using client = await startPoller(hub)
  const { post, status } = openPost(hub, client.query)
  post.write(' ')
  await delay(50)
  const statuses: (number | undefined)[] = []
  const waiting = Array.from({ length: 30 }, async (_, index) => {
    const answer = await client.post(note(index))
    statuses.push(answer.status)
    return answer.status
  })
  await expect.poll(() => statuses.length).toBe(15)
  expect(new Set(statuses)).toEqual(new Set([429]))
  post.end(record(note('first')).trimStart())
  expect(await status).toBe(200)
  expect((await Promise.all(waiting)).filter((answer) => answer === 200)).toHaveLength(15)
  await expect.poll(() => heard.length).toBe(16)
  expect(heard[0]).toBe('first')
})

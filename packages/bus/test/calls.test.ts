import {
  BusError,
  callerOf,
  connectBus,
  createContext,
  must,
  serve,
  type Handlers,
  type ServeOptions,
} from '@parley/bus'
import { refuse } from '@parley/contracts'
import { silentLog, testNats, type TestServer } from '@parley/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kitchen } from './kitchen.ts'

let nats: TestServer
beforeAll(async () => {
  nats = await testNats()
})
afterAll(() => nats[Symbol.asyncDispose]())

/** A kitchen with these handlers and someone who calls it, both with connections of their own. */
async function open(handlers: Partial<Handlers<typeof kitchen>>, url = nats.url, options: ServeOptions = {}) {
  await using stack = new AsyncDisposableStack()
  const [cookBus, guestBus] = await Promise.all([
    connectBus({ url, service: 'kitchen', log: silentLog }),
    connectBus({ url, service: 'guest', log: silentLog }),
  ])
  stack.use(guestBus)
  stack.use(cookBus)
  stack.use(await serve(cookBus, kitchen, handlers, options))
  const opened = stack.move()
  return {
    cookBus,
    guestBus,
    calls: callerOf(guestBus, kitchen),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  }
}

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'answered',
    (error: unknown) => (error instanceof BusError ? error.code : String(error)),
  )

describe('a call', () => {
  test('is answered with a value', async () => {
    await using opened = await open({ cook: async ({ dish }) => ({ dish, cookedBy: 'Ada 👩‍🍳' }) })
    expect(await opened.calls.cook({ dish: 'שקשוקה\n' })).toEqual({
      ok: true,
      value: { dish: 'שקשוקה\n', cookedBy: 'Ada 👩‍🍳' },
    })
  })

  test('is answered with a declared refusal and its data', async () => {
    await using opened = await open({
      cook: async () => {
        throw refuse.file_too_large({ maxBytes: 7 }, 'The pot is too small.')
      },
    })
    const answer = await opened.calls.cook({ dish: 'ox' })
    expect(answer).toEqual({
      ok: false,
      refusal: { code: 'file_too_large', sentence: 'The pot is too small.', data: { maxBytes: 7 } },
    })
    expect(() => must(answer)).toThrow('refused: file_too_large')
  })

  test('is refused at once with overloaded while as many as may be are under way', async () => {
    const release = Promise.withResolvers<void>()
    const cook = async ({ dish }: { dish: string }) => {
      await release.promise
      return { dish, cookedBy: 'Ada' }
    }
    await using opened = await open({ cook }, nats.url, { atOnce: 3 })
    const calls = Array.from({ length: 5 }, (_, index) => codeOf(opened.calls.cook({ dish: `${index}` })))
    expect(await Promise.all(calls.slice(3))).toEqual(['overloaded', 'overloaded'])
    release.resolve()
    expect(await Promise.all(calls.slice(0, 3))).toEqual(['answered', 'answered', 'answered'])
    expect(await codeOf(opened.calls.cook({ dish: 'again' }))).toBe('answered')
  })

  test.each([
    ['a refusal that is not declared', refuse.last_owner()],
    ['a crash', new TypeError('no salt')],
    ['something thrown that is no error', 'salt'],
  ])('fails with internal after %s, and tells the caller nothing about it', async (_, thrown) => {
    await using opened = await open({
      cook: async () => {
        throw thrown
      },
    })
    const failure = await opened.calls.cook({ dish: 'soup' }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'BusError', code: 'internal' })
    expect(String((failure as Error).message)).not.toContain('salt')
  })

  test('that nobody answers fails with unavailable, at once', async () => {
    await using opened = await open({})
    const begun = performance.now()
    expect(await codeOf(opened.calls.cook({ dish: 'soup' }))).toBe('unavailable')
    expect(performance.now() - begun).toBeLessThan(1_000)
  })

  test('that is answered late fails with timeout when its time is over', async () => {
    const finish = Promise.withResolvers<void>()
    await using opened = await open({
      hurry: async (_, { requestId }) => {
        await finish.promise
        return { remainingMs: 0, requestId }
      },
    })
    const begun = performance.now()
    expect(await codeOf(opened.calls.hurry({}))).toBe('timeout')
    expect(performance.now() - begun).toBeGreaterThanOrEqual(299)
    expect(performance.now() - begun).toBeLessThan(1_500)
    finish.resolve()
  })

  test('with a malformed request is not worked', async () => {
    let worked = 0
    await using opened = await open({
      cook: async ({ dish }) => {
        worked += 1
        return { dish, cookedBy: 'Ada' }
      },
    })
    expect(await codeOf(opened.calls.cook({ dish: 7 as unknown as string }))).toBe('malformed')
    for (const bytes of ['', 'no json', '"\ud83d', '{}', 'null']) {
      const reply = await opened.guestBus.nats.request(kitchen.calls.cook.subject, bytes, { timeout: 1_000 })
      expect(reply.json()).toEqual({ error: 'malformed' })
    }
    expect(worked).toBe(0)
  })

  test('whose handler answers something else than agreed fails with internal: the mistake is theirs', async () => {
    await using opened = await open({ cook: async () => ({ dish: 7 }) as never })
    expect(await codeOf(opened.calls.cook({ dish: 'soup' }))).toBe('internal')
  })

  test.each([
    '',
    'no json',
    'null',
    '[]',
    '7',
    '{}',
    '{"value":{"dish":7}}',
    '{"refusal":7}',
    '{"refusal":{"code":"made_up","sentence":"","data":{}}}',
    '{"refusal":{"code":"last_owner","sentence":"","data":{}}}',
    '{"error":"made up"}',
  ])('that is answered with %j fails with malformed', async (reply) => {
    await using opened = await open({})
    opened.cookBus.nats.subscribe(kitchen.calls.cook.subject, {
      callback: (_, message) => void message.respond(new TextEncoder().encode(reply)),
    })
    await opened.cookBus.nats.flush()
    expect(await codeOf(opened.calls.cook({ dish: 'soup' }))).toBe('malformed')
  })

  test('whose reply is too large for NATS fails at once instead of leaving the caller waiting', async () => {
    await using opened = await open({ cook: async ({ dish }) => ({ dish, cookedBy: 'a'.repeat(1_100_000) }) })
    expect(await codeOf(opened.calls.cook({ dish: 'soup' }))).toBe('internal')
  })

  test('that is itself too large for NATS fails with internal', async () => {
    await using opened = await open({ cook: async ({ dish }) => ({ dish, cookedBy: 'Ada' }) })
    expect(await codeOf(opened.calls.cook({ dish: 'a'.repeat(1_100_000) }))).toBe('internal')
  })

  test('is answered by one of the instances of a service, and all of them take part', async () => {
    await using first = await open({ cook: async ({ dish }) => ({ dish, cookedBy: 'first' }) })
    await using _second = await open({ cook: async ({ dish }) => ({ dish, cookedBy: 'second' }) })
    const cooks = await Promise.all(
      Array.from({ length: 100 }, async () => must(await first.calls.cook({ dish: 'soup' })).cookedBy),
    )
    expect(new Set(cooks)).toEqual(new Set(['first', 'second']))
    expect(cooks).toHaveLength(100)
  })

  test('that means one process is answered by that one alone, and by nobody when it is gone', async () => {
    const openCook = (cookId: string) =>
      open({ callCook: async () => ({ answeredBy: cookId }) }, nats.url, { parameters: { cookId } })
    await using ada = await openCook('ada')
    await using _ben = await openCook('ben')
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const cookId = index % 2 === 0 ? 'ada' : 'ben'
        return { cookId, ...must(await ada.calls.callCook({ cookId })) }
      }),
    )
    for (const { cookId, answeredBy } of answers) expect(answeredBy).toBe(cookId)
    const begun = performance.now()
    expect(await codeOf(ada.calls.callCook({ cookId: 'eve' }))).toBe('unavailable')
    expect(performance.now() - begun).toBeLessThan(1_000)
  })

  test('whose parameter would be no part of a subject is not made', async () => {
    await using opened = await open({})
    for (const cookId of ['', '*', '>', 'ada.ben', 'ada ben']) {
      expect(await codeOf(opened.calls.callCook({ cookId }))).toBe('internal')
    }
  })
})

describe('a call made inside a call', () => {
  test('has what is left of the first caller’s time, and the same request id', async () => {
    await using opened = await open({
      ask: async (_, context) => must(await opened.calls.hurry({}, context)),
      hurry: async (_, context) => ({ remainingMs: context.remainingMs(), requestId: context.requestId }),
    })
    const { remainingMs, requestId } = must(await opened.calls.ask({}, createContext('request-1', 120)))
    expect(requestId).toBe('request-1')
    expect(remainingMs).toBeGreaterThan(0)
    expect(remainingMs).toBeLessThanOrEqual(120)
  })

  test('never has more time than its own contract gives', async () => {
    await using opened = await open({
      hurry: async (_, context) => ({ remainingMs: context.remainingMs(), requestId: context.requestId }),
    })
    const { remainingMs } = must(await opened.calls.hurry({}, createContext('request-2', 60_000)))
    expect(remainingMs).toBeLessThanOrEqual(kitchen.calls.hurry.timeoutMs)
  })

  test('is not made at all when no time is left', async () => {
    let worked = false
    await using opened = await open({
      hurry: async (_, { requestId }) => {
        worked = true
        return { remainingMs: 0, requestId }
      },
    })
    expect(await codeOf(opened.calls.hurry({}, createContext('request-3', 0)))).toBe('timeout')
    await opened.guestBus.check()
    expect(worked).toBe(false)
  })

  test('that fails makes the outer one fail with the same word', async () => {
    await using opened = await open({ ask: async (_, context) => must(await opened.calls.hurry({}, context)) })
    expect(await codeOf(opened.calls.ask({}))).toBe('unavailable')
  })
})

describe('a service that stops', () => {
  test('finishes the answers under way and takes no new calls', async () => {
    const begun = Promise.withResolvers<void>()
    const finish = Promise.withResolvers<void>()
    await using stack = new AsyncDisposableStack()
    const [cookBus, guestBus] = await Promise.all([
      connectBus({ url: nats.url, service: 'kitchen', log: silentLog }),
      connectBus({ url: nats.url, service: 'guest', log: silentLog }),
    ])
    stack.use(guestBus)
    stack.use(cookBus)
    const serving = await serve(cookBus, kitchen, {
      cook: async ({ dish }) => {
        begun.resolve()
        if (dish === 'slow soup') await finish.promise
        return { dish, cookedBy: 'Ada' }
      },
    })
    const { cook } = callerOf(guestBus, kitchen)
    const underWay = cook({ dish: 'slow soup' })
    await begun.promise
    const stopped = serving[Symbol.asyncDispose]()
    await expect.poll(() => codeOf(cook({ dish: 'more soup' }))).toBe('unavailable')
    finish.resolve()
    await stopped
    expect(must(await underWay).dish).toBe('slow soup')
  })
})

describe('while NATS is away', () => {
  test('calls fail at once with unavailable, also those under way, and work again after its restart', async () => {
    await using ownNats = await testNats()
    const finish = Promise.withResolvers<void>()
    await using opened = await open(
      {
        cook: async ({ dish }) => {
          if (dish === 'slow') await finish.promise
          return { dish, cookedBy: 'Ada' }
        },
      },
      ownNats.url,
    )
    const cook = (dish: string) => codeOf(opened.calls.cook({ dish }))
    let reconnects = 0
    opened.guestBus.onReconnect(() => (reconnects += 1))
    const underWay = cook('slow')
    expect(await cook('soup')).toBe('answered')

    const begun = performance.now()
    await ownNats.kill()
    expect(await underWay).toBe('unavailable')
    expect(await cook('soup')).toBe('unavailable')
    await expect(opened.guestBus.check()).rejects.toMatchObject({ code: 'unavailable' })
    expect(performance.now() - begun).toBeLessThan(1_000)

    await ownNats.restart()
    await expect.poll(() => cook('soup'), { timeout: 10_000 }).toBe('answered')
    expect(reconnects).toBe(1)
    finish.resolve()
  })

  test('everything can be closed', async () => {
    await using ownNats = await testNats()
    const opened = await open({ cook: async ({ dish }) => ({ dish, cookedBy: 'Ada' }) }, ownNats.url)
    await ownNats.kill()
    await expect.poll(() => codeOf(opened.guestBus.check())).toBe('unavailable')
    await opened[Symbol.asyncDispose]()
    expect(opened.cookBus.nats.isClosed()).toBe(true)
    expect(opened.guestBus.nats.isClosed()).toBe(true)
  })
})

test('a bus that can not reach NATS at its start says so', async () => {
  await using ownNats = await testNats()
  await ownNats.kill()
  await expect(connectBus({ url: ownNats.url, service: 'guest', log: silentLog })).rejects.toThrow()
})

import { must } from '@parley/bus'
import type { RetentionRules } from '@parley/contracts'
import { openPostgres } from '@parley/postgres'
import { systemClock } from '@parley/runtime'
import { silentLog, testDatabase } from '@parley/testing'
import type { KyselyPlugin } from 'kysely'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { firstRules } from '../src/domain/periods.ts'
import { openRetention } from '../src/retention.ts'
import { readRetentionRules, writeRetentionRules } from '../src/store/retention-rules.ts'
import type { Tables } from '../src/store/tables.ts'
import { audit } from './audit.ts'
import { cuttingProxy } from './cutting-proxy.ts'
import { rulesOf } from './expire.ts'
import { openDatabase } from './written.ts'
import { actorOf, codeOf, newUser, openWorld, refusalOf, type World } from './world.ts'

const WAIT = { timeout: 15_000, interval: 20 }

describe('two instances on one database', () => {
  let database: Awaited<ReturnType<typeof testDatabase>>
  /** Each is asked by itself: it has a NATS of its own. */
  let one: World
  let other: World
  const alice = newUser()
  beforeAll(async () => {
    database = await testDatabase('messaging')
    one = await openWorld({ databaseUrl: database.url })
    other = await openWorld({ databaseUrl: database.url })
    await one.createGroup(alice)
  })
  afterAll(async () => {
    await one[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  const daysBy = async ({ calls }: World) => {
    const { conversations } = must(await calls.listConversations({ actor: actorOf(alice) }))
    return conversations[0]!.retentionDays
  }
  const set = async ({ calls }: World, revision: number, days: number) =>
    must(await calls.setRetentionRules({ rules: { ...rulesOf(days), revision } }))

  test('go by 365 days until they are told otherwise', async () => {
    expect(await readRetentionRules(one.db)).toBeUndefined()
    expect([await daysBy(one), await daysBy(other)]).toEqual([365, 365])
  })

  test('go by new rules: the one that is told at once, the other soon', async () => {
    for (const [revision, days] of [
      [1, 10],
      [2, 700],
      [3, 30],
    ] as const) {
      const [told, another] = revision === 2 ? [other, one] : [one, other]
      await set(told, revision, days)
      expect(await daysBy(told)).toBe(days)
      await expect.poll(() => daysBy(another), WAIT).toBe(days)
      expect(await daysBy(told)).toBe(days)
    }
  })

  test('go by the latest rules, in whatever order they are told of them', async () => {
    await set(one, 10, 100)
    await set(other, 9, 90)
    expect([await daysBy(one), await daysBy(other)]).toEqual([100, 100])
    await set(one, 9, 90)
    await set(other, 10, 100)
    expect([await daysBy(one), await daysBy(other)]).toEqual([100, 100])
    // The same revision is the same rules: told again, nothing is different.
    await set(one, 10, 55)
    expect(await daysBy(one)).toBe(100)
  })

  test('end with the latest rules when they are told of many at once', async () => {
    const revisions = Array.from({ length: 30 }, (_, index) => 20 + ((index * 7) % 30))
    await Promise.all(revisions.map((revision, index) => set(index % 2 === 0 ? one : other, revision, 100 + revision)))
    expect([await daysBy(one), await daysBy(other)]).toEqual([149, 149])
    expect((await readRetentionRules(one.db))?.revision).toBe(49)
  })

  test('and one that starts goes by them from the beginning', async () => {
    await set(one, 60, 33)
    await using third = await openWorld({ databaseUrl: database.url })
    expect(await daysBy(third)).toBe(33)
  })

  test('what is no period is refused, and nothing changes', async () => {
    const before = await readRetentionRules(one.db)
    for (const days of [0, 1, 36_501, 2.5]) {
      await expect(one.calls.setRetentionRules({ rules: { ...rulesOf(days), revision: 99 } })).rejects.toThrow()
    }
    expect(await readRetentionRules(one.db)).toEqual(before)
  })
})

describe('rules that are read again', () => {
  const later: RetentionRules = { ...rulesOf(12), revision: 1 }

  test('stay as they were while the database does not answer, which is logged, and follow when it does', async () => {
    await using database = await openDatabase()
    await using proxy = await cuttingProxy(database.url)
    await using through = openPostgres<Tables>({ url: proxy.url, service: 'test', log: silentLog })
    const log = silentLog.child({})
    const logged = vi.spyOn(log, 'error')
    await using retention = await openRetention({ db: through.db, clock: systemClock, log })
    expect(retention.rules).toEqual(firstRules)
    proxy.cutNextReplyTo('retention_rules')
    await vi.waitFor(() => expect(logged).toHaveBeenCalled(), WAIT)
    expect(logged).toHaveBeenCalledWith(expect.objectContaining({ job: 'read-retention-rules' }), 'job failed')
    expect(retention.rules).toEqual(firstRules)
    await database.db
      .insertInto('retentionRules')
      .values({ revision: 1, rules: JSON.stringify(later) })
      .execute()
    await vi.waitFor(() => expect(retention.rules).toEqual(later), WAIT)
  })

  test('are not answered as set when it is not known whether they are, and a retry finds out', async () => {
    await using database = await openDatabase()
    await using proxy = await cuttingProxy(database.url)
    await using through = openPostgres<Tables>({ url: proxy.url, service: 'test', log: silentLog })
    await using retention = await openRetention({ db: through.db, clock: systemClock, log: silentLog })
    proxy.cutNextReplyTo('insert into "retention_rules"')
    await expect(retention.setRules(later)).rejects.toThrow()
    await retention.setRules(later)
    expect(retention.rules).toEqual(later)
  })

  test('stay the latest when what was read before them arrives after them', async () => {
    await using database = await openDatabase()
    await writeRetentionRules(database.db, { ...later, revision: 1 })
    const isHeld = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    /** The revision that was in force when each read arrived. */
    const inForce: number[] = []
    const plugin: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        if (result.rows.length === 0) return result
        // The first is that of the beginning.
        if (inForce.push(current()) === 2) {
          isHeld.resolve()
          await goOn.promise
        }
        return result
      },
    }
    let current = () => 0
    await using retention = await openRetention({
      db: database.db.withPlugin(plugin),
      clock: systemClock,
      log: silentLog,
    })
    current = () => retention.rules.revision
    await isHeld.promise
    await retention.setRules({ ...later, revision: 2 })
    expect(current()).toBe(2)
    goOn.resolve()
    await vi.waitFor(() => expect(inForce.length).toBeGreaterThan(3), WAIT)
    expect(inForce.slice(3)).not.toContain(1)
  })
})

describe('the periods of one conversation', () => {
  let world: World
  beforeAll(async () => void (world = await openWorld({ instances: 2, rules: rulesOf(100) })))
  afterAll(() => world[Symbol.asyncDispose]())

  const setPeriods = (conversationId: string, messageDays: number | null, fileDays: number | null) =>
    world.calls.setConversationRetention({ conversationId, messageDays, fileDays })
  const seenBy = async (userId: string, conversationId: string) =>
    must(await world.calls.getConversation({ actor: actorOf(userId), conversationId }))
  const periodsOf = (conversationId: string) =>
    world.db
      .selectFrom('conversations')
      .select(['messageDays', 'fileDays', 'version'])
      .where('id', '=', conversationId)
      .executeTakeFirstOrThrow()
  const toldTo = (topic: string) =>
    world.deliveries
      .filter((delivery) => delivery.topic === topic)
      .map(({ argument, version, event }) => ({
        version,
        event,
        argument: JSON.parse(new TextDecoder().decode(argument)),
      }))

  test('are told to its members, to other services, as a repair and by Sync, with a version of their own', async () => {
    const [alice, bob] = [newUser(), newUser()]
    const { id, version } = await world.createGroup(alice, [bob])
    expect((await seenBy(bob, id)).retentionDays).toBe(100)
    must(await setPeriods(id, 20, 5))
    expect(await periodsOf(id)).toEqual({ messageDays: 20, fileDays: 5, version: version + 1 })
    const { me, ...forAll } = await seenBy(bob, id)
    expect(me).toBeDefined()
    expect(forAll).toMatchObject({ retentionDays: 20, firstKeptSequence: 1, version: version + 1 })

    const told = { version: version + 1, event: 'ConversationUpdated', argument: forAll }
    await vi.waitFor(() => expect(toldTo(`c:${id}`)).toEqual([told]), WAIT)
    expect(must(await world.calls.listChanges({ topic: `c:${id}`, afterVersion: version })).changes).toEqual([told])
    const subject = `messaging.event.conversation-updated.${id}`
    await vi.waitFor(() => {
      const payloads = world.events.filter((event) => event.subject === subject).map(({ payload }) => payload)
      expect(payloads).toEqual([{ conversationId: id, version: version + 1, conversation: forAll }])
    }, WAIT)
    const sync = { actor: actorOf(bob), conversations: [{ id, version }], since: null }
    const { conversations } = must(await world.calls.sync(sync))
    expect(conversations).toMatchObject([{ conversation: { id, retentionDays: 20 }, to: version + 1, reload: false }])
  })

  test('that are so already change and tell nothing, and nulls go back to the rules', async () => {
    const alice = newUser()
    const { id } = await world.createGroup(alice)
    for (const [messageDays, fileDays, days] of [
      [null, null, 100],
      [50, null, 50],
      [50, 20, 50],
      [null, 20, 100],
      [null, null, 100],
    ] as const) {
      for (let time = 0; time < 3; time++) must(await setPeriods(id, messageDays, fileDays))
      expect((await seenBy(alice, id)).retentionDays).toBe(days)
    }
    expect(await periodsOf(id)).toEqual({ messageDays: null, fileDays: null, version: 5 })
    await vi.waitFor(() => expect(new Set(toldTo(`c:${id}`).map(({ version }) => version)).size).toBe(4), WAIT)
    const { changes, to } = must(await world.calls.listChanges({ topic: `c:${id}`, afterVersion: 0 }))
    expect([changes.length, to]).toEqual([1, 5])
  })

  test('can be set for a conversation that is archived or that everybody has left, and not for one there is not', async () => {
    const alice = newUser()
    const { id: conversationId } = await world.createGroup(alice)
    must(await world.calls.updateConversation({ actor: actorOf(alice), conversationId, archived: true }))
    must(await setPeriods(conversationId, 9, null))
    must(await world.calls.leaveConversation({ actor: actorOf(alice), conversationId }))
    must(await setPeriods(conversationId, 8, 4))
    expect(await periodsOf(conversationId)).toMatchObject({ messageDays: 8, fileDays: 4 })
    expect(refusalOf(await setPeriods(newUser(), 9, null))).toBe('conversation_not_found')
  })

  test('take their turn with everything else that changes it, at several instances', async () => {
    const [alice, bob] = [newUser(), newUser()]
    const { id: conversationId } = await world.createGroup(alice, [bob])
    await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        must(await setPeriods(conversationId, 2 + (index % 5), null))
        expect(codeOf(await world.send(bob, conversationId))).toBe('sent')
        must(await world.calls.updateConversation({ actor: actorOf(alice), conversationId, title: `${index}` }))
      }),
    )
    expect(await audit(world.db)).toEqual([])
    const { version } = await periodsOf(conversationId)
    await vi.waitFor(() => {
      const versions = new Set(toldTo(`c:${conversationId}`).map((told) => told.version))
      expect([...versions].toSorted((a, b) => a - b)).toEqual(Array.from({ length: version - 1 }, (_, n) => n + 2))
    }, WAIT)
    const last = toldTo(`c:${conversationId}`)
      .filter(({ event }) => event === 'ConversationUpdated')
      .toSorted((a, b) => b.version - a.version)[0]!
    expect(last.argument.retentionDays).toBe((await seenBy(alice, conversationId)).retentionDays)
  })
})

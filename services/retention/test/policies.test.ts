import { must } from '@parley/bus'
import { refuse, type RetentionRules } from '@parley/contracts'
import { v4 } from 'uuid'
import { describe, expect, test } from 'vitest'
import { admin, createWorld, nothing, soon, type World } from './world.ts'

type Asked = Parameters<World['calls']['setRetentionPolicy']>[0]
const set = (world: World, policy: Omit<Asked, 'actor'>) => world.calls.setRetentionPolicy({ actor: admin, ...policy })
const codeOf = async (answer: ReturnType<typeof set>) => {
  const answered = await answer
  return answered.ok ? 'done' : answered.refusal.code
}
const lastRules = (world: World): RetentionRules | undefined => world.asked['messaging.setRetentionRules'].at(-1)?.rules

describe('a policy', () => {
  test('of the default or a kind is told to messaging before it is answered, as a later revision', async () => {
    await using world = await createWorld()
    await world.start()
    await expect.poll(() => lastRules(world), soon).toMatchObject({ default: { messageDays: 365, fileDays: null } })
    const before = lastRules(world)!.revision
    must(await set(world, { kind: 'channel', messageDays: 30, fileDays: 7 }))
    expect(lastRules(world)).toMatchObject({
      default: { messageDays: 365, fileDays: null },
      direct: { messageDays: null, fileDays: null },
      channel: { messageDays: 30, fileDays: 7 },
    })
    expect(lastRules(world)!.revision).toBeGreaterThan(before)
    must(await set(world, { messageDays: 180, fileDays: null }))
    expect(lastRules(world)).toMatchObject({ default: { messageDays: 180 }, channel: { messageDays: 30 } })
    must(await set(world, { kind: 'channel', messageDays: null, fileDays: null }))
    expect(lastRules(world)).toMatchObject({ channel: { messageDays: null, fileDays: null } })
  })

  test('of a conversation is told for itself, and goes when both of its periods do', async () => {
    await using world = await createWorld()
    await world.start()
    const conversationId = v4()
    // Runs that begin meanwhile tell it again.
    for (const messageDays of [10, null]) {
      must(await set(world, { conversationId, messageDays, fileDays: null }))
      expect(world.asked['messaging.setConversationRetention'].at(-1)).toEqual({
        conversationId,
        messageDays,
        fileDays: null,
      })
    }
    const { policies } = must(await world.calls.listRetentionPolicies({ actor: admin }))
    expect(policies).toHaveLength(1)
    world.answers['messaging.previewRetention'] = async () => {
      throw refuse.conversation_not_found()
    }
    expect(await codeOf(set(world, { conversationId, messageDays: 10, fileDays: null }))).toBe('conversation_not_found')
  })

  test('needs the numbers of its dry run as confirmed when much would expire by it, and no less than them', async () => {
    await using world = await createWorld({ confirmAbove: 100 })
    await world.start()
    let effect = { ...nothing, messages: 101, files: 3 }
    world.answers['messaging.previewRetention'] = async () => effect
    const policy = { messageDays: 30, fileDays: null }
    const previewed = must(await world.calls.previewRetentionPolicy({ actor: admin, ...policy }))
    expect(previewed).toEqual({ effect, needsConfirmation: true })
    const refused = await set(world, policy)
    expect(refused).toMatchObject({ refusal: { code: 'confirmation_needed', data: { messages: 101, files: 3 } } })
    for (const confirmed of [
      { messages: 100, files: 3 },
      { messages: 101, files: 2 },
    ]) {
      expect(await codeOf(set(world, { ...policy, confirmed }))).toBe('confirmation_needed')
    }
    expect(lastRules(world)?.default.messageDays).not.toBe(30)
    must(await set(world, { ...policy, confirmed: { messages: 101, files: 3 } }))
    expect(lastRules(world)?.default.messageDays).toBe(30)
    effect = { ...nothing, messages: 100, files: 100 }
    must(await set(world, { messageDays: 29, fileDays: null }))
    effect = { ...nothing, isComplete: false }
    expect(await codeOf(set(world, { messageDays: 28, fileDays: null }))).toBe('confirmation_needed')
  })

  test('that makes no sense is refused', async () => {
    await using world = await createWorld()
    await world.start()
    const wrong = [
      { messageDays: null, fileDays: null },
      { messageDays: 10, fileDays: 11 },
      { conversationId: v4(), kind: 'group' as const, messageDays: 10, fileDays: null },
    ]
    for (const policy of wrong) expect(await codeOf(set(world, policy))).toBe('invalid_input')
    await expect(set(world, { messageDays: 1, fileDays: null })).rejects.toThrow()
    expect(await world.calls.listRetentionPolicies({ actor: admin, cursor: 'bm90IG9uZSBvZiBvdXJz' })).toMatchObject({
      refusal: { code: 'invalid_input' },
    })
  })

  test('that could not be told is unavailable, and is told until messaging has it', async () => {
    await using world = await createWorld()
    await world.start()
    await expect.poll(() => lastRules(world), soon).toBeDefined()
    const conversationId = v4()
    const answer = world.answers['messaging.setConversationRetention']
    world.answers['messaging.setConversationRetention'] = async () => {
      throw refuse.unavailable()
    }
    world.answers['messaging.setRetentionRules'] = async () => {
      throw refuse.unavailable()
    }
    expect(await codeOf(set(world, { conversationId, messageDays: 10, fileDays: null }))).toBe('unavailable')
    expect(await codeOf(set(world, { kind: 'direct', messageDays: 20, fileDays: null }))).toBe('unavailable')
    world.answers['messaging.setConversationRetention'] = answer
    world.answers['messaging.setRetentionRules'] = async () => ({})
    const asked = world.asked['messaging.setConversationRetention'].length
    await expect.poll(() => world.asked['messaging.setConversationRetention'].length, soon).toBeGreaterThan(asked)
    await expect.poll(() => lastRules(world), soon).toMatchObject({ direct: { messageDays: 20 } })
    const { policies } = must(await world.calls.listRetentionPolicies({ actor: admin }))
    expect(policies).toMatchObject([
      { kind: null, conversationId: null, messageDays: 365, changedBy: null },
      { kind: 'direct', messageDays: 20, changedBy: admin.userId },
      { conversationId, messageDays: 10 },
    ])
  })

  test('that several change at once over two instances ends the same in the table and in messaging', async () => {
    await using world = await createWorld()
    await Promise.all([world.start(), world.start()])
    const conversationId = v4()
    const told = { rules: undefined as RetentionRules | undefined, conversation: 0 as number | null }
    world.answers['messaging.setRetentionRules'] = async ({ rules }) => {
      if (rules.revision > (told.rules?.revision ?? -1)) told.rules = rules
      return {}
    }
    world.answers['messaging.setConversationRetention'] = async ({ messageDays }) => {
      told.conversation = messageDays
      return {}
    }
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        must(await set(world, { kind: 'group', messageDays: 100 + index, fileDays: null }))
        must(await set(world, { conversationId, messageDays: 100 + index, fileDays: null }))
      }),
    )
    const { policies } = must(await world.calls.listRetentionPolicies({ actor: admin }))
    expect(told.rules?.group.messageDays).toBe(policies.find(({ kind }) => kind === 'group')?.messageDays)
    expect(told.conversation).toBe(policies.find((policy) => policy.conversationId === conversationId)?.messageDays)
    await expect.poll(async () => (await world.decisions()).length, soon).toBe(40)
  })

  test('and the next, page by page', async () => {
    await using world = await createWorld()
    await world.start()
    const ids = Array.from({ length: 7 }, () => v4()).toSorted()
    for (const conversationId of ids) must(await set(world, { conversationId, messageDays: 10, fileDays: null }))
    const found: (string | null)[] = []
    let cursor: string | undefined
    do {
      const page = must(
        await world.calls.listRetentionPolicies({ actor: admin, limit: 3, ...(cursor !== undefined && { cursor }) }),
      )
      found.push(...page.policies.map(({ conversationId }) => conversationId))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    expect(found).toEqual([null, ...ids])
  })
})

import fc from 'fast-check'
import { v7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { audit } from './audit.ts'
import { actorOf, codeOf, newUser, openWorld, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld({ instances: 2 })))
afterAll(() => world[Symbol.asyncDispose]())

type Operation =
  | { kind: 'send'; by: number; times: number }
  | { kind: 'retry'; by: number; which: number }
  | { kind: 'add'; by: number; whom: number[] }
  | { kind: 'remove'; by: number; whom: number }
  | { kind: 'leave'; by: number }

const by = fc.nat({ max: 3 })
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('send'), by, times: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('retry'), by, which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('add'), by, whom: fc.array(by, { minLength: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove'), by, whom: by }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave'), by }) },
)
/** The operations of one step are under way at the same time. */
const steps = fc.array(fc.array(operation, { maxLength: 8 }), { maxLength: 6 })

interface Attempt {
  readonly userId: string
  readonly id: string
  readonly text: string
}

/** Four people and one conversation, of which three are members at first. */
async function openScene() {
  const people = Array.from({ length: 4 }, newUser)
  const { id: conversationId } = await world.createGroup(people[0]!, people.slice(1, 3))
  const attempts: Attempt[] = []
  const acknowledged = new Map<string, number>()

  async function send({ userId, id, text }: Attempt): Promise<void> {
    const result = await world.send(userId, conversationId, { id, text })
    if ('refusal' in result) {
      expect(codeOf(result)).toBe('not_a_member')
      return
    }
    const sequence = acknowledged.get(id) ?? result.message.sequence
    expect(result.message).toMatchObject({ id, sequence, senderId: userId, text })
    acknowledged.set(id, sequence)
  }

  async function perform(asked: Operation): Promise<void> {
    const userId = people[asked.by]!
    const request = { actor: actorOf(userId), conversationId }
    switch (asked.kind) {
      case 'send': {
        const fresh = Array.from({ length: asked.times }, () => ({ userId, id: v7(), text: v7() }))
        attempts.push(...fresh)
        await Promise.all(fresh.map(send))
        break
      }
      case 'retry': {
        const attempt = attempts[asked.which % Math.max(attempts.length, 1)]
        if (attempt !== undefined) await Promise.all([send(attempt), send(attempt)])
        break
      }
      case 'add':
        await world.calls.addMembers({ ...request, userIds: asked.whom.map((index) => people[index]!) })
        break
      case 'remove':
        await world.calls.removeMember({ ...request, userId: people[asked.whom]! })
        break
      case 'leave':
        await world.calls.leaveConversation(request)
    }
  }
  return { conversationId, acknowledged, perform }
}

test('whatever happens at the same time, there is no gap, no double, all that was acknowledged and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (chosen) => {
      const { conversationId, acknowledged, perform } = await openScene()
      for (const atOnce of chosen) await Promise.all(atOnce.map(perform))
      expect(await audit(world.db)).toEqual([])
      const stored = await world.db
        .selectFrom('messages')
        .select(['id', 'sequence'])
        .where('conversationId', '=', conversationId)
        .execute()
      expect(new Map(stored.map(({ id, sequence }) => [id, sequence]))).toEqual(acknowledged)
    }),
    { numRuns: 40 },
  )
})

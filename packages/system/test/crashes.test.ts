import { setTimeout as delay } from 'node:timers/promises'
import type { Conversation } from '@parley/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditOrder, isOnceAndInOrder } from '../src/audit.ts'
import { readHistory } from '../src/history/read-history.ts'
import { join, type Participant } from '../src/participant.ts'
import { startSystem, type System } from '../src/start-system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
}, 120_000)
afterAll(() => system?.[Symbol.asyncDispose]())

describe('while people talk', () => {
  test.each(['messaging', 'auth', 'presence', 'media', 'retention', 'gateway-1'])(
    '%s is killed and comes back, and nothing that was acknowledged is missing, doubled or out of order',
    async (victim) => {
      await using stack = new AsyncDisposableStack()
      const people = await Promise.all(
        Array.from({ length: 6 }, (_, index) => join(system.gatewayUrls[index % 2]!, `${victim} ${index}`)),
      )
      for (const person of people) stack.use(person)
      const [creator, ...others] = people as [Participant, ...Participant[]]
      const { id: conversationId } = await creator.invoke<Conversation>('CreateConversation', {
        kind: 'group',
        memberIds: others.map(({ user }) => user.id),
      })
      for (const person of others) await expect.poll(() => person.conversations.length).toBe(1)

      let talking = true
      const talks = people.map(async (person, index) => {
        const acknowledged: string[] = []
        for (let number = 0; talking; number += 1) {
          acknowledged.push((await person.say(conversationId, `${index}: ${number}`)).id)
          await delay(10)
        }
        return acknowledged
      })
      await expect.poll(() => creator.heard.length, { timeout: 20_000 }).toBeGreaterThan(50)
      await system.kill(victim)
      await system.untilBack(victim)
      const heardByThen = others[0]!.heard.length
      await expect.poll(() => others[0]!.heard.length, { timeout: 20_000 }).toBeGreaterThan(heardByThen + 50)
      talking = false
      const acknowledged = (await Promise.all(talks)).flat()

      const history = await readHistory(creator, conversationId)
      expect(isOnceAndInOrder(history)).toBe(true)
      expect(history.map(({ id }) => id).toSorted()).toEqual(acknowledged.toSorted())
      // On the gateway that was killed, clients had to connect again: what was said meanwhile they find in the history.
      const stayed = people.filter((_, index) => victim !== 'gateway-1' || index % 2 === 1)
      for (const person of stayed) {
        await expect.poll(() => person.heard.length, { timeout: 20_000 }).toBe(history.length)
        expect(person.heard).toEqual(history)
      }
      for (const person of people) expect(new Set(person.heard.map(({ id }) => id)).size).toBe(person.heard.length)
      expect((await auditOrder(system.adminUrl)).broken).toEqual([])
    },
    90_000,
  )
})

import { setTimeout as delay } from 'node:timers/promises'
import { HubConnectionState } from '@microsoft/signalr'
import type { Conversation } from '@parley/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readHistory } from '../src/history/read-history.ts'
import { join, type Participant } from '../src/participant.ts'
import { countPresenceEvents } from '../src/presence-stream.ts'
import { startRoundRobin } from '../src/round-robin.ts'
import { startSystem, type System } from '../src/start-system.ts'
import { joinToWatch } from '../src/watching.ts'

const CLIENTS = 500
const PATIENCE = { timeout: 60_000, interval: 100 }

let system: System
beforeAll(async () => {
  system = await startSystem({ environment: { GATEWAY_DRAIN_SECONDS: '5' } })
}, 120_000)
afterAll(() => system?.[Symbol.asyncDispose]())

/** In portions: a small machine signs in only so many at once. */
async function joinMany(url: string, names: readonly string[]): Promise<Participant[]> {
  const people: Participant[] = []
  for (let from = 0; from < names.length; from += 25) {
    people.push(...(await Promise.all(names.slice(from, from + 25).map((name) => join(url, name)))))
  }
  return people
}

test('all gateways are restarted one after another under 500 clients: nobody goes, and no message is lost', async () => {
  await using stack = new AsyncDisposableStack()
  const balancer = stack.use(await startRoundRobin(system.gatewayUrls))
  const people = await joinMany(
    balancer.url,
    Array.from({ length: CLIENTS }, (_, index) => `rolled ${index}`),
  )
  stack.defer(async () => void (await Promise.all(people.map(({ connection }) => connection.stop()))))
  const userIds = people.map(({ user }) => user.id)
  const creator = stack.use(await joinToWatch(balancer.url, 'creator'))
  const { id: conversationId } = await creator.persist<Conversation>('CreateConversation', {
    kind: 'group',
    title: 'All',
    memberIds: [],
  })
  for (let from = 0; from < CLIENTS; from += 100) {
    await creator.persist('AddMembers', { conversationId, userIds: userIds.slice(from, from + 100) })
  }
  await creator.watch(userIds)
  await expect.poll(() => userIds.every((userId) => creator.statusOf(userId) === 'online'), PATIENCE).toBe(true)
  await expect.poll(() => people.every(({ conversations }) => conversations.length === 1), PATIENCE).toBe(true)
  const eventsBefore = await countPresenceEvents(system.natsUrl)

  let talking = true
  const talks = people.slice(0, 5).map(async (person, index) => {
    const acknowledged: string[] = []
    for (let number = 0; talking; number += 1) {
      acknowledged.push((await person.say(conversationId, `${index}: ${number}`)).id)
      await delay(250)
    }
    return acknowledged
  })
  for (const gateway of ['gateway-1', 'gateway-2']) {
    await system.stop(gateway)
    await system.untilBack(gateway)
    await expect
      .poll(() => people.every(({ connection }) => connection.state === HubConnectionState.Connected), PATIENCE)
      .toBe(true)
  }
  talking = false
  const acknowledged = (await Promise.all(talks)).flat()

  const history = await readHistory(creator, conversationId)
  expect(history.map(({ id }) => id).toSorted()).toEqual(acknowledged.toSorted())
  for (const { heard } of people) expect(new Set(heard.map(({ id }) => id)).size).toBe(heard.length)
  // Longer than any other grace than that of who was asked to reconnect.
  await delay(20_000)
  expect(creator.changes).toEqual([])
  expect(await countPresenceEvents(system.natsUrl)).toBe(eventsBefore)
}, 240_000)

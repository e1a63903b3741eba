import { callerOf, must, type Bus } from '@parley/bus'
import { messaging } from '@parley/contracts'
import { limits } from '@parley/protocol'
import { randomFrom } from './population.ts'
import { numbers, sideBySide } from './side-by-side.ts'

const AT_ONCE = 16

/** Makes groups until every user is in so many, and one channel of all. Answers with the channel's id. */
export async function fillConversations(
  bus: Bus,
  options: { userIds: readonly string[]; perUser: number; members: number },
): Promise<string> {
  const { userIds, perUser, members } = options
  const calls = callerOf(bus, messaging)
  const actorOf = (userId: string) => ({ userId, scopes: [] })

  async function create(kind: 'group' | 'channel', memberIds: readonly string[]): Promise<string> {
    const [owner = '', ...others] = memberIds
    const request = { actor: actorOf(owner), kind, title: `${kind} of ${owner}`, memberIds: others }
    const { id } = must(await calls.createConversation(request))
    return id
  }

  for (const round of numbers(0, perUser)) {
    const shuffled = shuffle(userIds, randomFrom(round))
    await sideBySide(numbers(0, userIds.length, members), AT_ONCE, (from) =>
      create('group', shuffled.slice(from, from + members)),
    )
  }

  const channelId = await create('channel', userIds.slice(0, limits.usersPerRequest))
  const left = numbers(limits.usersPerRequest, userIds.length, limits.usersPerRequest)
  await sideBySide(left, 1, async (from) => {
    const request = {
      actor: actorOf(userIds[0] ?? ''),
      conversationId: channelId,
      userIds: userIds.slice(from, from + limits.usersPerRequest),
    }
    must(await calls.addMembers(request))
  })
  return channelId
}

function shuffle<Item>(items: readonly Item[], random: () => number): Item[] {
  const shuffled = [...items]
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!]
  }
  return shuffled
}

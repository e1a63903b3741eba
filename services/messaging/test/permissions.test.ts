import { must, type Answer } from '@parley/bus'
import { permissions, type Action, type ConversationKind, type Role } from '@parley/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { actorOf, codeOf, messageOf, newUser, openWorld, refusalOf, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld({ instances: 2 })))
afterAll(() => world[Symbol.asyncDispose]())

/** Roles, and those who have none: who left, and who never was a member. */
type Standing = Role | 'former member' | 'stranger'

const standings: Readonly<Record<ConversationKind, readonly Standing[]>> = {
  direct: ['member', 'stranger'],
  group: ['owner', 'admin', 'member', 'former member', 'stranger'],
  channel: ['owner', 'admin', 'member', 'former member', 'stranger'],
}

interface Scene {
  readonly conversationId: string
  readonly actorId: string
  /** The other of a direct conversation, an owner of any other. It has said one message. */
  readonly founderId: string
  readonly messageId: string
  /** Besides, in a group or channel. */
  readonly adminId: string
  readonly memberId: string
}

const outcomeOf = (answer: Answer<unknown>): string => (answer.ok ? 'done' : refusalOf(answer))

/** Each action, tried by the actor. */
const attempts: Readonly<Record<Action, (scene: Scene) => Promise<string>>> = {
  send: async ({ actorId, conversationId }) => {
    const code = codeOf(await world.send(actorId, conversationId))
    return code === 'sent' ? 'done' : code
  },
  react: async ({ actorId, conversationId, messageId }) =>
    outcomeOf(await world.calls.addReaction({ actor: actorOf(actorId), conversationId, messageId, emoji: '👍' })),
  'delete messages of others': async ({ actorId, conversationId, messageId }) =>
    outcomeOf(await world.calls.deleteMessage({ actor: actorOf(actorId), conversationId, messageId })),
  update: async ({ actorId, conversationId }) =>
    outcomeOf(await world.calls.updateConversation({ actor: actorOf(actorId), conversationId, title: 'new' })),
  'add members': async ({ actorId, conversationId }) =>
    outcomeOf(await world.calls.addMembers({ actor: actorOf(actorId), conversationId, userIds: [newUser()] })),
  'remove members': async ({ actorId, conversationId, memberId }) =>
    outcomeOf(await world.calls.removeMember({ actor: actorOf(actorId), conversationId, userId: memberId })),
  'remove owners and admins': async ({ actorId, conversationId, founderId, adminId }) => {
    const remove = async (userId: string) =>
      outcomeOf(await world.calls.removeMember({ actor: actorOf(actorId), conversationId, userId }))
    const outcomes = new Set([await remove(adminId), await remove(founderId)])
    return [...outcomes].join(', ')
  },
  'change roles': async ({ actorId, conversationId, memberId }) =>
    outcomeOf(
      await world.calls.changeRole({ actor: actorOf(actorId), conversationId, userId: memberId, role: 'owner' }),
    ),
  leave: async ({ actorId, conversationId }) =>
    outcomeOf(await world.calls.leaveConversation({ actor: actorOf(actorId), conversationId })),
}

async function sceneOf(kind: ConversationKind, standing: Standing): Promise<Scene> {
  const [actorId, founderId, adminId, memberId] = [newUser(), newUser(), newUser(), newUser()]
  const founder = actorOf(founderId)
  const isMember = standing !== 'stranger'
  const memberIds =
    kind === 'direct' ? [isMember ? actorId : memberId] : [adminId, memberId, ...(isMember ? [actorId] : [])]
  const { id: conversationId } = must(await world.calls.createConversation({ actor: founder, kind, memberIds }))
  const { id: messageId } = messageOf(await world.send(founderId, conversationId))
  const scene = { conversationId, actorId, founderId, adminId, memberId, messageId }
  if (kind === 'direct') return { ...scene, adminId: founderId, memberId: founderId }
  must(await world.calls.changeRole({ actor: founder, conversationId, userId: adminId, role: 'admin' }))
  if (standing === 'former member') {
    must(await world.calls.leaveConversation({ actor: actorOf(actorId), conversationId }))
  } else if (isMember) {
    must(await world.calls.changeRole({ actor: founder, conversationId, userId: actorId, role: standing }))
  }
  return scene
}

const cases = (Object.keys(permissions) as Action[]).flatMap((action) =>
  (Object.keys(standings) as ConversationKind[]).flatMap((kind) =>
    standings[kind].map((standing) => ({ action, kind, standing, expected: expectedOf(action, kind, standing) })),
  ),
)

function expectedOf(action: Action, kind: ConversationKind, standing: Standing): string {
  if (standing === 'former member' || standing === 'stranger') return 'not_a_member'
  return permissions[action][kind].includes(standing) ? 'done' : 'forbidden'
}

test.concurrent.each(cases)(
  '$action, in a $kind as $standing: $expected',
  async ({ action, kind, standing, expected }) => {
    const scene = await sceneOf(kind, standing)
    const versionOf = async () =>
      must(await world.calls.readVersions({ topics: [`c:${scene.conversationId}`] })).versions[0]
    const before = await versionOf()
    expect(await attempts[action](scene)).toBe(expected)
    if (expected !== 'done') expect(await versionOf()).toBe(before)
    else expect(await versionOf()).toBeGreaterThan(before!)
  },
)

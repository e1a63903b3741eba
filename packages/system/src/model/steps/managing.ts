import type { Conversation, Member } from '@parley/protocol'
import { expectOutcome } from '../expect-reads.ts'
import type { ModelConversation, ModelMember } from '../model-conversation.ts'
import { addMembers, changeRole, removeMember, update } from '../model-memberships.ts'
import { refused, type Outcome } from '../outcome.ts'
import { seenConversation, seenMember } from '../seen.ts'
import { conversationView, memberView } from '../views.ts'
import { step, type Choice, type Play, type Scene } from './step.ts'

const ROLES = ['owner', 'admin', 'member'] as const
const VISIBILITIES = ['all', 'joined'] as const

/** Mostly somebody who may. */
function actorOf({ real, user, conversation, choice }: Scene) {
  const owner = conversation.members.find(({ role }) => role === 'owner')
  return choice.number % 3 === 0 ? user : (real.users.find(({ id }) => id === owner?.userId) ?? user)
}

function expectOwn(
  actual: Outcome<Conversation>,
  expected: Outcome<ModelMember>,
  conversation: ModelConversation,
): void {
  const seen = 'value' in expected ? { value: conversationView(conversation, expected.value) } : expected
  expectOutcome(actual, seen, seenConversation)
}

const updates =
  (wanted: (choice: Choice) => Parameters<typeof update>[2]): Play =>
  async (scene) => {
    const { real, conversation, choice } = scene
    const actor = actorOf(scene)
    const change = wanted(choice)
    const input = { conversationId: conversation.id, ...change }
    const updated = await real.ask(actor, real.doorOf(actor, choice.door), ['UpdateConversation', input])
    expectOwn(updated, update(conversation, actor.id, change), conversation)
  }

const byUser = (members: readonly Member[]) =>
  members.map(seenMember).toSorted((a, b) => (a.userId < b.userId ? -1 : 1))

const adds: Play = async (scene) => {
  const { real, other, user, conversation, choice } = scene
  const actor = actorOf(scene)
  const absent = real.users.filter(({ id }) => conversation.member(id) === undefined)
  const added = absent[choice.other % absent.length] ?? other
  const userIds = choice.flag ? [added.id] : [added.id, user.id]
  const input = { conversationId: conversation.id, userIds }
  const answer = await real.ask(actor, real.doorOf(actor, choice.door), ['AddMembers', input])
  const expected = addMembers(conversation, actor.id, userIds)
  const seen =
    'value' in expected
      ? { value: expected.value.map(memberView).toSorted((a, b) => (a.userId < b.userId ? -1 : 1)) }
      : expected
  expectOutcome(answer, seen, ({ members }) => byUser(members))
}

const mutes: Play = async ({ real, user, conversation, choice }) => {
  const until = choice.flag ? null : `20${30 + (choice.number % 3)}-01-01T00:00:00.000Z`
  const input = { conversationId: conversation.id, until }
  const muted = await real.ask(user, real.doorOf(user, choice.door), ['MuteConversation', input])
  const member = conversation.member(user.id)
  if (member !== undefined) member.mutedUntil = until
  expectOwn(muted, member === undefined ? refused('not_a_member') : { value: member }, conversation)
}

export const managing = {
  add: step('add members', adds),
  remove: step('remove a member', async (scene) => {
    const { real, other, conversation, choice } = scene
    const actor = actorOf(scene)
    const input = { conversationId: conversation.id, userId: other.id }
    const removed = await real.ask(actor, real.doorOf(actor, choice.door), ['RemoveMember', input])
    expectOutcome(removed, removeMember(conversation, actor.id, other.id), (value) => value)
  }),
  leave: step('leave', async ({ real, user, conversation, choice }) => {
    const input = { conversationId: conversation.id }
    const left = await real.ask(user, real.doorOf(user, choice.door), ['LeaveConversation', input])
    expectOutcome(left, removeMember(conversation, user.id, user.id), (value) => value)
  }),
  changeRole: step('change a role', async (scene) => {
    const { real, other, conversation, choice } = scene
    const actor = actorOf(scene)
    const change = { userId: other.id, role: ROLES[choice.number % 3]! }
    const input = { conversationId: conversation.id, ...change }
    const changed = await real.ask(actor, real.doorOf(actor, choice.door), ['ChangeRole', input])
    const expected = changeRole(conversation, actor.id, change)
    expectOutcome(changed, 'value' in expected ? { value: memberView(expected.value) } : expected, seenMember)
  }),
  rename: step(
    'rename',
    updates(({ number }) => ({ title: `title ${number % 3}` })),
  ),
  archive: step(
    'archive or open again',
    updates(({ number }) => ({ archived: number % 4 === 1 })),
  ),
  changeVisibility: step(
    'change the visibility of history',
    updates(({ flag }) => ({ historyVisibility: VISIBILITIES[flag ? 0 : 1] })),
  ),
  mute: step('mute', mutes),
}

import type { Conversation, HubEvent, Member } from '@parley/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { join, type Participant } from '../src/participant.ts'
import { startSystem, type System } from '../src/start-system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
}, 120_000)
afterAll(() => system?.[Symbol.asyncDispose]())

/** A participant who remembers what became of conversations and members too. */
async function joinManaging(gatewayUrl: string, name: string) {
  const updated: HubEvent<'ConversationUpdated'>[] = []
  const changed: HubEvent<'MemberChanged'>[] = []
  const person = await join(gatewayUrl, name, {
    prepare(connection) {
      connection.on('ConversationUpdated', (conversation: Conversation) => updated.push(conversation))
      connection.on('MemberChanged', (change: HubEvent<'MemberChanged'>) => changed.push(change))
    },
  })
  return Object.assign(person, { updated, changed })
}

const create = async (creator: Participant, kind: 'group' | 'channel', ...members: Participant[]) =>
  (await creator.invoke<Conversation>('CreateConversation', { kind, memberIds: members.map(({ user }) => user.id) })).id

describe('a conversation', () => {
  test('that is renamed and archived is so for its members at once, on any gateway', async () => {
    await using alice = await joinManaging(system.gatewayUrls[0], 'alice renames')
    await using bob = await joinManaging(system.gatewayUrls[1], 'bob sees it')
    const conversationId = await create(alice, 'group', bob)
    await expect.poll(() => bob.conversations).toHaveLength(1)
    await alice.invoke('UpdateConversation', { conversationId, title: 'Plans' })
    const archived = await alice.invoke<Conversation>('UpdateConversation', { conversationId, archived: true })
    const brief = ({ version, title, archivedAt, me }: Conversation) => ({ version, title, archivedAt, me })
    for (const { updated } of [alice, bob]) {
      await expect
        .poll(() => updated.map(brief))
        .toEqual([
          { version: 2, title: 'Plans', archivedAt: null, me: undefined },
          { version: 3, title: 'Plans', archivedAt: archived.archivedAt, me: undefined },
        ])
    }
    await expect(bob.say(conversationId, 'too late')).rejects.toThrow('conversation_archived: ')
    await expect(bob.invoke('UpdateConversation', { conversationId, archived: false })).rejects.toThrow('forbidden: ')
  })

  test('that is muted is so on the own devices at once, and nobody else is told', async () => {
    await using phone = await joinManaging(system.gatewayUrls[0], 'alice mutes')
    await using desk = await joinManaging(system.gatewayUrls[1], 'alice mutes')
    await using bob = await joinManaging(system.gatewayUrls[1], 'bob is muted')
    const conversationId = await create(bob, 'group', phone)
    await expect.poll(() => desk.conversations).toHaveLength(1)
    for (const until of ['2030-01-01T00:00:00.000Z', null, '2031-01-01T00:00:00.000Z']) {
      const muted = await phone.invoke<Conversation>('MuteConversation', { conversationId, until })
      expect(muted.me?.mutedUntil).toBe(until)
    }
    const times = (person: { updated: Conversation[] }) => person.updated.map(({ me }) => me?.mutedUntil)
    for (const device of [phone, desk]) {
      await expect.poll(() => times(device)).toEqual(['2030-01-01T00:00:00.000Z', null, '2031-01-01T00:00:00.000Z'])
    }
    // What comes later on the same topic still comes.
    await create(bob, 'group', phone)
    await expect.poll(() => desk.conversations).toHaveLength(2)
    expect(bob.updated).toEqual([])
  })

  test('is handed over: the new owner may at once what the former one may no more', async () => {
    await using alice = await joinManaging(system.gatewayUrls[0], 'alice hands over')
    await using bob = await joinManaging(system.gatewayUrls[1], 'bob takes over')
    const conversationId = await create(alice, 'channel', bob)
    await expect.poll(() => bob.conversations).toHaveLength(1)
    await expect(bob.say(conversationId, 'may I?')).rejects.toThrow('forbidden: ')
    const roleOf = (userId: string, role: string) => ({ conversationId, userId, role })
    await alice.invoke<Member>('ChangeRole', roleOf(bob.user.id, 'owner'))
    await bob.invoke<Member>('ChangeRole', roleOf(alice.user.id, 'member'))
    await bob.say(conversationId, 'now I may')
    await expect(alice.say(conversationId, 'no more')).rejects.toThrow('forbidden: ')
    await expect(bob.invoke('LeaveConversation', { conversationId })).rejects.toThrow('last_owner: ')
    for (const { changed } of [alice, bob]) {
      await expect
        .poll(() => changed.map(({ version, member }) => [version, member.userId, member.role]))
        .toEqual([
          [2, bob.user.id, 'owner'],
          [3, alice.user.id, 'member'],
        ])
    }
    await expect.poll(() => bob.updated.map(({ me }) => me?.role)).toEqual(['owner'])
    await expect.poll(() => alice.heard.map(({ text }) => text)).toEqual(['now I may'])
  })
})

import type { Callers, Handlers } from '@parley/bus'
import type { auth, messaging } from '@parley/contracts'
import type { Clock } from '@parley/runtime'
import type { Telling } from '../delivery/open-telling.ts'
import type { Retention } from '../retention.ts'
import type { Sending } from '../send/open-sending.ts'
import type { Db } from '../store/tables.ts'
import { addMembers } from './add-members.ts'
import { createConversation } from './create-conversation.ts'
import { createMonths } from './create-months.ts'
import { dropMonths } from './drop-months.ts'
import { getConversation } from './get-conversation.ts'
import { getMessages } from './get-messages.ts'
import { isMember } from './is-member.ts'
import { leaveConversation } from './leave-conversation.ts'
import { listChanges } from './list-changes.ts'
import { listConversations } from './list-conversations.ts'
import { listMembers } from './list-members.ts'
import { listMemberships } from './list-memberships.ts'
import { readVersions } from './read-versions.ts'
import { removeMember } from './remove-member.ts'
import { sendMessages } from './send-messages.ts'

/** All calls of the contract. Each takes from `parts` the few things it uses. */
export const callsOf = (parts: {
  db: Db
  sending: Sending
  telling: Telling
  retention: Retention
  clock: Clock
  authCalls: Pick<Callers<typeof auth>, 'getUsers'>
}) =>
  ({
    createConversation: createConversation(parts),
    listConversations: listConversations(parts),
    getConversation: getConversation(parts),
    listMembers: listMembers(parts),
    addMembers: addMembers(parts),
    removeMember: removeMember(parts),
    leaveConversation: leaveConversation(parts),
    sendMessages: sendMessages(parts.sending),
    getMessages: getMessages(parts),
    listMemberships: listMemberships(parts),
    readVersions: readVersions(parts),
    listChanges: listChanges(parts),
    isMember: isMember(parts),
    createMonths: createMonths(parts),
    dropMonths: dropMonths(parts),
  }) satisfies Handlers<typeof messaging>

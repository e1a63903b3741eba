import type { Bus, Callers, Handlers } from '@parley/bus'
import type { auth, media, messaging } from '@parley/contracts'
import type { Clock } from '@parley/runtime'
import type { Reactions } from '../changes/gather-reactions.ts'
import type { Turns } from '../changes/turns.ts'
import type { NumberedNotices } from '../delivery/numbered-notices.ts'
import type { Telling } from '../delivery/open-telling.ts'
import type { TellBlockChange } from '../delivery/tell-block-change.ts'
import type { Marking } from '../receipts/open-marking.ts'
import type { OpenRetention } from '../retention.ts'
import type { Attaching } from '../send/attach-uploads.ts'
import type { Sending } from '../send/open-sending.ts'
import type { Db } from '../store/tables.ts'
import { addMembers } from './add-members.ts'
import { addReaction } from './add-reaction.ts'
import { allowTyping } from './allow-typing.ts'
import { applyHolds } from './apply-holds.ts'
import { blockUser } from './block-user.ts'
import { changeRole } from './change-role.ts'
import { createConversation } from './create-conversation.ts'
import { createMonths } from './create-months.ts'
import { deleteMessage } from './delete-message.ts'
import { dropMonths } from './drop-months.ts'
import { editMessage } from './edit-message.ts'
import { eraseUser } from './erase-user.ts'
import { exportUser } from './export-user.ts'
import { findRemains } from './find-remains.ts'
import { expireMessages } from './expire-messages.ts'
import { getConversation } from './get-conversation.ts'
import { getMessages } from './get-messages.ts'
import { getReceipts } from './get-receipts.ts'
import { getSettings } from './get-settings.ts'
import { isMember } from './is-member.ts'
import { leaveConversation } from './leave-conversation.ts'
import { listAttachments } from './list-attachments.ts'
import { listAvatars } from './list-avatars.ts'
import { listBlockChanges } from './list-block-changes.ts'
import { listBlockedUsers } from './list-blocked-users.ts'
import { listChanges } from './list-changes.ts'
import { listChangedTopics } from './list-changed-topics.ts'
import { listConversations } from './list-conversations.ts'
import { listEdits } from './list-edits.ts'
import { listMembers } from './list-members.ts'
import { listMemberships } from './list-memberships.ts'
import { listNotices } from './list-notices.ts'
import { listRelations } from './list-relations.ts'
import { markReceipts } from './mark-receipts.ts'
import { muteConversation } from './mute-conversation.ts'
import { oldestMessage } from './oldest-message.ts'
import { previewRetention } from './preview-retention.ts'
import { readVersions } from './read-versions.ts'
import { removeMember } from './remove-member.ts'
import { removeReaction } from './remove-reaction.ts'
import { seesMessage } from './sees-message.ts'
import { sendMessages } from './send-messages.ts'
import { setConversationRetention } from './set-conversation-retention.ts'
import { setRetentionRules } from './set-retention-rules.ts'
import { sync } from './sync.ts'
import { unblockUser } from './unblock-user.ts'
import { updateConversation } from './update-conversation.ts'
import { updateSettings } from './update-settings.ts'

/** All calls of the contract. Each takes from `parts` the few things it uses. */
export const callsOf = (parts: {
  bus: Bus
  db: Db
  /** For what locks conversations. */
  changesDb: Db
  turns: Turns
  reactions: Reactions
  sending: Sending
  attaching: Attaching
  marking: Marking
  telling: Telling
  tellBlockChange: TellBlockChange
  notices: NumberedNotices
  retention: OpenRetention
  clock: Clock
  authCalls: Pick<Callers<typeof auth>, 'getUsers'>
  mediaCalls: Pick<Callers<typeof media>, 'useAvatar'>
}) =>
  ({
    createConversation: createConversation(parts),
    listConversations: listConversations(parts),
    getConversation: getConversation(parts),
    updateConversation: updateConversation(parts),
    muteConversation: muteConversation(parts),
    listMembers: listMembers(parts),
    addMembers: addMembers(parts),
    changeRole: changeRole(parts),
    removeMember: removeMember(parts),
    leaveConversation: leaveConversation(parts),
    sendMessages: sendMessages(parts),
    editMessage: editMessage(parts),
    deleteMessage: deleteMessage(parts),
    listEdits: listEdits(parts),
    addReaction: addReaction(parts),
    removeReaction: removeReaction(parts),
    getMessages: getMessages(parts),
    markReceipts: markReceipts(parts),
    getReceipts: getReceipts(parts),
    sync: sync(parts),
    blockUser: blockUser(parts),
    unblockUser: unblockUser(parts),
    listBlockedUsers: listBlockedUsers(parts),
    getSettings: getSettings(parts),
    updateSettings: updateSettings(parts),
    listMemberships: listMemberships(parts),
    listRelations: listRelations(parts),
    readVersions: readVersions(parts),
    listChanges: listChanges(parts),
    listNotices: listNotices(parts),
    listChangedTopics: listChangedTopics(parts),
    listBlockChanges: listBlockChanges(parts),
    isMember: isMember(parts),
    seesMessage: seesMessage(parts),
    listAttachments: listAttachments(parts),
    listAvatars: listAvatars(parts),
    allowTyping: allowTyping(parts),
    createMonths: createMonths(parts),
    dropMonths: dropMonths(parts),
    applyHolds: applyHolds(parts),
    expireMessages: expireMessages(parts),
    previewRetention: previewRetention(parts),
    oldestMessage: oldestMessage(parts),
    setRetentionRules: setRetentionRules(parts),
    setConversationRetention: setConversationRetention(parts),
    eraseUser: eraseUser(parts),
    exportUser: exportUser(parts),
    findRemains: findRemains(parts),
  }) satisfies Handlers<typeof messaging>

import { limits, type Capabilities, type Conversation, type ConversationKind } from '@parley/protocol'

type Size = Pick<Conversation, 'kind' | 'memberCount'>

export const maxMembers: Readonly<Record<ConversationKind, number>> = {
  direct: 2,
  group: limits.groupMembers,
  channel: limits.channelMembers,
}

/** Whether each beginning, change and end of a membership is told to all members. Beyond, they are told of the conversation. */
export const tellsMemberships = ({ memberCount }: Size): boolean => memberCount <= limits.toldMembers

/** Whether members are told of each other's receipts. Beyond, and in channels, these are counted when asked for. */
export const tellsReceipts = ({ kind, memberCount }: Size): boolean =>
  kind !== 'channel' && memberCount <= limits.toldMembers

/** Whether members are told who of them is typing. */
export const tellsTyping = ({ memberCount }: Size): boolean => memberCount <= limits.typingMembers

/** What a conversation offers at its size. Said in each conversation object, so that what is off is not silently missing. */
export function capabilitiesOf(size: Size): Capabilities {
  return { typing: tellsTyping(size), receipts: tellsReceipts(size) ? 'members' : 'counts', presence: true }
}

import { recordOf, type EventRecord } from '@parley/bus'
import { messaging } from '@parley/contracts'
import type { Change } from '../domain/change.ts'

export interface IdentifiedEvent extends EventRecord {
  /** The same whenever it is told: most often the conversation's version. Watermarks have none, and need none. */
  readonly id: string | undefined
}

const { events } = messaging

/** What other services are told of a change. */
export function eventsOf(change: Change): IdentifiedEvent[] {
  switch (change.kind) {
    case 'message-created': {
      const { version, message } = change
      const { conversationId } = message
      const payload = { conversationId, version, message }
      return [identified(payload, recordOf(events.messageCreated, { conversationId }, payload))]
    }
    case 'message-updated': {
      const { version, message } = change
      const { conversationId } = message
      const payload = { conversationId, version, message }
      return [identified(payload, recordOf(events.messageUpdated, { conversationId }, payload))]
    }
    case 'conversation-updated': {
      const { conversation } = change
      const { id: conversationId, version } = conversation
      const payload = { conversationId, version, conversation }
      return [identified(payload, recordOf(events.conversationUpdated, { conversationId }, payload))]
    }
    case 'member-changed': {
      const { conversation, member, changedBy } = change
      const { id: conversationId, version } = conversation
      const payload = { conversationId, version, member, ...(changedBy !== undefined && { changedBy }) }
      return [identified(payload, recordOf(events.memberChanged, { conversationId }, payload))]
    }
    case 'own-part-changed':
      return []
    case 'attachments-removed': {
      const { conversationId, messageId, uploadIds } = change
      const payload = { conversationId, messageId, uploadIds: [...uploadIds] }
      const record = recordOf(events.attachmentsRemoved, { conversationId }, payload)
      return [{ ...record, id: `${messageId}.attachments-removed` }]
    }
    case 'receipts-advanced': {
      const { conversationId, shown } = change
      if (shown.length === 0) return []
      const payload = { conversationId, receipts: [...shown] }
      return [{ ...recordOf(events.receiptsAdvanced, { conversationId }, payload), id: undefined }]
    }
    case 'conversation-created': {
      const { conversation, joined } = change
      const { id: conversationId, version } = conversation
      const payload = { conversationId, version, conversation, members: joined.map(({ member }) => member) }
      return [identified(payload, recordOf(events.conversationCreated, { conversationId }, payload))]
    }
    case 'members-joined': {
      const { id: conversationId } = change.conversation
      return change.joined.map(({ version, member }) => {
        const payload = { conversationId, version, member }
        return identified(payload, recordOf(events.memberJoined, { conversationId }, payload))
      })
    }
    case 'member-left': {
      const { conversation, left } = change
      const { id: conversationId } = conversation
      const payload = { conversationId, version: left.version, member: left.member }
      return [identified(payload, recordOf(events.memberLeft, { conversationId }, payload))]
    }
  }
}

function identified(
  { conversationId, version }: { conversationId: string; version: number },
  record: EventRecord,
): IdentifiedEvent {
  return { ...record, id: `${conversationId}.${version}` }
}

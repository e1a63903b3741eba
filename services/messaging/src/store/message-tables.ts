/** Where messages and what belongs to them are: the tables of all months, or of one. */
export interface MessageTables {
  readonly messages: string
  readonly edits: string
  readonly reactions: string
}

export const ofAllMonths: MessageTables = { messages: 'messages', edits: 'message_edits', reactions: 'reactions' }

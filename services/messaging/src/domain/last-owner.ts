/** A group or channel with members always has an owner: the last one stays one, or leaves as the last member. */
export function mayGoAsOwner(conversation: { owners: number; members: number }): boolean {
  return conversation.owners > 1 || conversation.members === 1
}

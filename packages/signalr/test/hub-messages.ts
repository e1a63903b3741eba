/** The messages of the hub protocol that a client sends. */

export const invocation = (id: string | undefined, target: string, ...args: unknown[]) => ({
  type: 1,
  ...(id !== undefined && { invocationId: id }),
  target,
  arguments: args,
})

export const streamInvocation = (id: string, target: string, ...args: unknown[]) => ({
  ...invocation(id, target, ...args),
  type: 4,
})

/** An invocation, together with the streams that are sent along. */
export const uploading = <Message extends object>(streamIds: string[], message: Message) => ({ ...message, streamIds })

export const streamItem = (id: string, item: unknown) => ({ type: 2, invocationId: id, item })

export const completion = (id: string, outcome: { result?: unknown; error?: string } = {}) => ({
  type: 3,
  invocationId: id,
  ...outcome,
})

export const cancelInvocation = (id: string) => ({ type: 5, invocationId: id })

import type { EventPayload } from '@parley/bus'
import { z } from 'zod'

/** As much of the events as says whose they are. */
const OfUsers = z.object({
  message: z
    .object({
      senderId: z.string(),
      deletedAt: z.string().nullable(),
      reactions: z.array(z.object({ userIds: z.array(z.string()) })),
    })
    .optional(),
  member: z.object({ userId: z.string(), leftAt: z.string().nullable() }).optional(),
  receipts: z.array(z.object({ userId: z.string() })).optional(),
})

/**
 * Whether an event tells what the user said, reacted, read or where they became a member. Those that tell what is over, a
 * message that is deleted and a membership that has ended, stay: by them whoever hears late learns to forget it.
 */
export const isEventOf =
  (userId: string) =>
  (payload: EventPayload): boolean => {
    const { success, data } = OfUsers.safeParse(payload)
    if (!success) return false
    const { message, member, receipts = [] } = data
    const isMessage = message !== undefined && message.senderId === userId && message.deletedAt === null
    const hasReacted = message?.reactions.some(({ userIds }) => userIds.includes(userId)) === true
    const isMembership = member !== undefined && member.userId === userId && member.leftAt === null
    return isMessage || hasReacted || isMembership || receipts.some((receipt) => receipt.userId === userId)
  }

import { z } from 'zod'

/** What live changes are routed by: `c:<conversationId>` for its members, `u:<userId>` for all devices of a user. */
export const Topic = z
  .string()
  .regex(/^[cu]:[0-9a-f-]{36}$/)
  .meta({ id: 'Topic' })
export type Topic = z.infer<typeof Topic>

export const conversationTopic = (conversationId: string): Topic => `c:${conversationId}`
export const userTopic = (userId: string): Topic => `u:${userId}`

export const isUserTopic = (topic: string): boolean => topic.startsWith('u:')

import type { User } from '@parley/protocol'

/** Whether an event of auth is about this user: it names them, or has their profile. */
export const isAboutUser = (payload: Readonly<Record<string, unknown>>, userId: string): boolean =>
  payload['userId'] === userId || (payload['user'] as Partial<User> | undefined)?.id === userId

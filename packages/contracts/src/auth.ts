import { FindUsers, GetMe, UpdateProfile, User, UserId, limits, line } from '@parley/protocol'
import { z } from 'zod'
import { Actor } from './actor.ts'
import { call, contract, event } from './contract.ts'

/** Who you are. */
export const auth = contract({
  service: 'auth',
  calls: {
    getMe: call({
      subject: 'auth.call.get-me',
      request: z.object({ actor: Actor }),
      reply: GetMe.output,
      errors: ['unauthenticated'],
      timeoutMs: 2_000,
    }),
    updateProfile: call({
      subject: 'auth.call.update-profile',
      request: z.object({ actor: Actor, ...UpdateProfile.input.shape }),
      reply: UpdateProfile.output,
      errors: ['unauthenticated', 'invalid_input'],
      timeoutMs: 2_000,
    }),
    findUsers: call({
      subject: 'auth.call.find-users',
      request: z.object({ actor: Actor, ...FindUsers.input.shape }),
      reply: FindUsers.output,
      errors: ['unauthenticated'],
      timeoutMs: 2_000,
    }),
    /** Those of the named users that exist, in no particular order. */
    getUsers: call({
      subject: 'auth.call.get-users',
      request: z.object({ userIds: z.array(UserId).min(1).max(limits.presencePerRequest) }),
      reply: z.object({ users: z.array(User) }),
      errors: [],
      timeoutMs: 1_500,
    }),
    /** Development only: a user of this name, made at first sight, and an access token for them. Not served in production. */
    signInForDevelopment: call({
      subject: 'auth.call.sign-in-for-development',
      request: z.object({ name: line(limits.displayNameCharacters), admin: z.boolean() }),
      reply: z.object({ accessToken: z.string(), user: User }),
      errors: ['invalid_input'],
      timeoutMs: 5_000,
    }),
  },
  events: {
    userCreated: event({
      subject: 'auth.event.user-created',
      summary: 'A user exists from now on. Once per user, and in no order among users.',
      payload: z.object({ user: User }),
    }),
  },
  notices: {},
})

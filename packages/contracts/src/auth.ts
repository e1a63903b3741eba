import {
  FindUsers,
  GetMe,
  ListAuditEntries,
  ListDevices,
  RemoveDevice,
  RemoveOtherDevices,
  SignOutUser,
  Time,
  UpdateProfile,
  User,
  UserId,
  limits,
  line,
} from '@parley/protocol'
import { z } from 'zod'
import { Actor } from './actor.ts'
import { call, contract, event, notice } from './contract.ts'
import { ErasePart, ExportPart, FindRemains } from './personal-data.ts'
import { Revocation } from './revocation.ts'

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
      errors: ['unauthenticated', 'invalid_input', ...UpdateProfile.errors],
      timeoutMs: 4_000,
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
    listDevices: call({
      subject: 'auth.call.list-devices',
      request: z.object({ actor: Actor, ...ListDevices.input.shape }),
      reply: ListDevices.output,
      errors: ['unauthenticated'],
      timeoutMs: 2_000,
    }),
    removeDevice: call({
      subject: 'auth.call.remove-device',
      request: z.object({ actor: Actor, ...RemoveDevice.input.shape }),
      reply: RemoveDevice.output,
      errors: RemoveDevice.errors,
      timeoutMs: 2_000,
    }),
    removeOtherDevices: call({
      subject: 'auth.call.remove-other-devices',
      request: z.object({ actor: Actor, ...RemoveOtherDevices.input.shape }),
      reply: RemoveOtherDevices.output,
      errors: ['unauthenticated'],
      timeoutMs: 2_000,
    }),
    signOutUser: call({
      subject: 'auth.call.sign-out-user',
      request: z.object({ actor: Actor, ...SignOutUser.input.shape }),
      reply: SignOutUser.output,
      errors: SignOutUser.errors,
      timeoutMs: 2_000,
    }),
    listAuditEntries: call({
      subject: 'auth.call.list-audit-entries',
      request: z.object({ actor: Actor, ...ListAuditEntries.input.shape }),
      reply: ListAuditEntries.output,
      errors: [...ListAuditEntries.errors, 'invalid_input'],
      timeoutMs: 5_000,
    }),
    /** For a gateway that has verified a token of an external issuer: its user, made at first sight, and its session noted. */
    recognizeUser: call({
      subject: 'auth.call.recognize-user',
      request: z.object({
        issuer: z.string().max(limits.urlCharacters),
        subject: z.string().min(1).max(limits.subjectCharacters),
        /** As the issuer knows them; taken only when the user is made. */
        displayName: z.string().nullable(),
        avatarUrl: z.string().nullable(),
        /** The issuer's own name of the session; unique for the issuer only. */
        session: z.string().max(limits.subjectCharacters).nullable(),
      }),
      /** `sessionId` is what revocations name; null without a session. */
      reply: z.object({ userId: UserId, sessionId: z.string().nullable() }),
      errors: [],
      timeoutMs: 2_000,
    }),
    /** For gateways: what was revoked after a position, in order, and is not forgotten yet. */
    listRevocations: call({
      subject: 'auth.call.list-revocations',
      request: z.object({ after: z.int().min(0) }),
      /** `position` is of the last one listed, or without any the newest; while `hasMore`, ask again after it. */
      reply: z.object({ revocations: z.array(Revocation), position: z.int().min(0), hasMore: z.boolean() }),
      errors: [],
      timeoutMs: 2_000,
    }),
    /** For retention, first of all: the user is signed out for good, and nothing names them any more. */
    eraseUser: call({ subject: 'auth.call.erase-user', ...ErasePart, errors: ['unavailable'], timeoutMs: 15_000 }),
    exportUser: call({ subject: 'auth.call.export-user', ...ExportPart, errors: ['unavailable'], timeoutMs: 15_000 }),
    findRemains: call({
      subject: 'auth.call.find-remains',
      ...FindRemains,
      errors: ['unavailable'],
      timeoutMs: 30_000,
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
    sessionRevoked: event({
      subject: 'auth.event.session-revoked',
      summary: 'A session, a token or all sessions of a user have ended for good before their time.',
      payload: z.object({
        userId: UserId,
        /** With both null, all of the user. */
        sessionId: z.string().nullable(),
        tokenId: z.string().nullable(),
        reason: z.enum(['signed_out', 'revoked', 'refresh_reused', 'removed_by_user', 'removed_by_admin', 'erased']),
        at: Time,
      }),
    }),
    userErased: event({
      subject: 'auth.event.user-erased',
      summary:
        'Nothing names this user any more: forget what you know of them. Their id stays, of whom nothing is known.',
      payload: z.object({ userId: UserId, at: Time }),
    }),
  },
  notices: {
    /** For all gateways: tokens that were revoked just now, and every second how far revocations have come. JSON of `RevocationNotice`. */
    revoked: notice({ subject: 'auth.notice.revoked' }),
  },
})

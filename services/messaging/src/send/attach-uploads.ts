import { randomUUID } from 'node:crypto'
import type { Answer, CallContext, Callers } from '@parley/bus'
import { refuse, type media, type RequestOf } from '@parley/contracts'
import type { Attachment, InputOf, SendMessage } from '@parley/protocol'
import type { Logger } from '@parley/runtime'
import { sendOf, type Send } from '../domain/send.ts'
import type { SendOutcome } from './waiting-send.ts'

/** Makes uploads part of a message before it is stored, so that no upload is part of two. */
export interface Attaching {
  /** What `submit` comes to with the attachments; a refusal of `media`, or `unavailable`, when they are not to be had. */
  withUploads(
    userId: string,
    input: InputOf<typeof SendMessage>,
    context: CallContext,
    submit: (send: Send) => Promise<SendOutcome>,
  ): Promise<SendOutcome>
}

type Attempt = RequestOf<typeof media.calls.releaseUploads>

export function attachingBy(options: {
  mediaCalls: Pick<Callers<typeof media>, 'attachUploads' | 'releaseUploads'>
  isStored: (messageId: string) => Promise<boolean>
  log: Logger
}): Attaching {
  const { mediaCalls, isStored, log } = options

  async function release(attempt: Attempt): Promise<void> {
    try {
      await mediaCalls.releaseUploads(attempt)
    } catch (error) {
      log.warn({ error, messageId: attempt.messageId }, 'uploads of a refused message could not be released')
    }
  }

  return {
    async withUploads(userId, input, context, submit) {
      const { id: messageId, conversationId, attachments: uploadIds = [] } = input
      const attempt = { userId, messageId, attemptId: randomUUID() }
      let attached: Answer<{ attachments: Attachment[] }>
      try {
        attached = await mediaCalls.attachUploads({ ...attempt, conversationId, uploadIds }, context)
        // A retry finds the first result, whatever has become of its files; what it would attach does not matter then.
        if (!attached.ok && (await isStored(messageId))) return await submit(sendOf(userId, input, goneOf(uploadIds)))
      } catch (error) {
        log.warn({ error, messageId }, 'uploads could not be attached')
        return { refusal: refuse.unavailable().refusal }
      }
      if (!attached.ok) return { refusal: attached.refusal as Extract<SendOutcome, { refusal: unknown }>['refusal'] }
      const outcome = await submit(sendOf(userId, input, attached.value.attachments))
      // When the outcome is not known, this attempt may have stored the message: then its uploads stay with it.
      if ('refusal' in outcome && outcome.refusal.code !== 'unavailable') await release(attempt)
      return outcome
    },
  }
}

/** Each once, as `media` answers them. */
const goneOf = (uploadIds: readonly string[]): Attachment[] =>
  [...new Set(uploadIds)].map((id) => ({ id, name: '', type: '', size: 0, ...nothingKnown }))

const nothingKnown = { width: null, height: null, blurhash: null, durationMs: null, pages: null }

import type { Answer, CallContext, Callers } from '@parley/bus'
import { refuse, type media } from '@parley/contracts'
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

/** After these the message may be stored, by this attempt or another: the uploads stay with it. */
const UNDECIDED: ReadonlySet<string> = new Set(['unavailable', 'overloaded', 'message_id_conflict'])

export function attachingBy(options: {
  mediaCalls: Pick<Callers<typeof media>, 'attachUploads' | 'releaseUploads'>
  isStored: (messageId: string) => Promise<boolean>
  log: Logger
}): Attaching {
  const { mediaCalls, isStored, log } = options

  async function release(userId: string, messageId: string): Promise<void> {
    try {
      await mediaCalls.releaseUploads({ userId, messageId })
    } catch (error) {
      log.warn({ error, messageId }, 'uploads of a refused message could not be released')
    }
  }

  return {
    async withUploads(userId, input, context, submit) {
      const { id: messageId, conversationId, attachments: uploadIds = [] } = input
      let attached: Answer<{ attachments: Attachment[] }>
      try {
        attached = await mediaCalls.attachUploads({ userId, conversationId, messageId, uploadIds }, context)
        // A retry finds the first result, whatever has become of its files; what it would attach does not matter then.
        if (!attached.ok && (await isStored(messageId))) return await submit(sendOf(userId, input, uploadIds.map(gone)))
      } catch (error) {
        log.warn({ error, messageId }, 'uploads could not be attached')
        return { refusal: refuse.unavailable().refusal }
      }
      if (!attached.ok) return { refusal: attached.refusal as Extract<SendOutcome, { refusal: unknown }>['refusal'] }
      const outcome = await submit(sendOf(userId, input, attached.value.attachments))
      if ('refusal' in outcome && !UNDECIDED.has(outcome.refusal.code)) await release(userId, messageId)
      return outcome
    },
  }
}

const gone = (id: string): Attachment => ({ id, name: '', type: '', size: 0 })

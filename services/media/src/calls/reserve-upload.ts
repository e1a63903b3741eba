import { must, type Callers, type Handler } from '@parley/bus'
import { refuse, type media, type messaging } from '@parley/contracts'
import { assertTaken, reserve, type Reserving } from '../reserving.ts'

export const reserveUpload =
  (
    using: Reserving & { messaging: Pick<Callers<typeof messaging>, 'isMember'> },
  ): Handler<typeof media.calls.reserveUpload> =>
  async ({ actor: { userId }, conversationId, name, type, size }, context) => {
    assertTaken(using, { type, size })
    const { member } = must(await using.messaging.isMember({ userId, conversationId }, context))
    if (!member) throw refuse.not_a_member()
    return reserve(using, { conversationId, uploadedBy: userId, name, type, size })
  }

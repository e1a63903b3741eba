import type { Handler } from '@parley/bus'
import type { media } from '@parley/contracts'
import { assertTaken, reserve, type Reserving } from '../reserving.ts'

export const reserveAvatar =
  (using: Reserving): Handler<typeof media.calls.reserveAvatar> =>
  ({ actor: { userId }, type, size }) => {
    assertTaken(using, { type, size }, ({ kind }) => kind === 'image')
    return reserve(using, { conversationId: null, uploadedBy: userId, name: 'avatar', type, size })
  }

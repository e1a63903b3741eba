import { notify, type Bus } from '@parley/bus'
import { conversationTopic, gateway, type TypingNotice } from '@parley/contracts'
import type { GatewayRouting, SenderRouting } from '@parley/routing'
import type { Typist } from './own-typists.ts'
import { TYPING_MS } from './typing-times.ts'

const encoder = new TextEncoder()

type Telling = Pick<Typist, 'userId' | 'conversationId' | 'isTyping'>

/**
 * Tells the gateways that hear a conversation that somebody types there, or has stopped: this one at once, also while NATS is
 * away. What is lost is over by itself.
 */
export function createTellTyping(options: {
  bus: Bus
  routing: Pick<GatewayRouting, 'isSelf' | 'lapsed'>
  senderRouting: Pick<SenderRouting, 'gatewaysOf'>
  hear: (notice: TypingNotice) => void
}): (typist: Telling) => void {
  const { bus, routing, senderRouting, hear } = options

  async function tellOthers(typist: Telling, notice: TypingNotice): Promise<void> {
    const gateways = await senderRouting.gatewaysOf([conversationTopic(notice.conversationId)])
    // Another notice has come before this one while Redis was asked.
    if (typist.isTyping !== notice.active) return
    const bytes = encoder.encode(JSON.stringify(notice))
    for (const gatewayId of gateways.keys()) {
      if (!routing.isSelf(gatewayId)) notify(bus, gateway.notices.typing, { gatewayId: String(gatewayId) }, bytes)
    }
  }

  return (typist) => {
    if (routing.lapsed) return
    const { userId, conversationId, isTyping: active } = typist
    const notice = { conversationId, userId, active, expiresAt: new Date(Date.now() + TYPING_MS).toISOString() }
    hear(notice)
    tellOthers(typist, notice).catch((error: unknown) => bus.log.debug({ error, conversationId }, 'typing not told'))
  }
}

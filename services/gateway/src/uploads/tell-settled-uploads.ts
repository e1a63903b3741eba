import { listen, type Bus } from '@parley/bus'
import { media, SettledNotice } from '@parley/contracts'
import { encodeInvocation } from '@parley/signalr'
import type { LocalDelivery } from '../delivery/local-delivery.ts'

const decoder = new TextDecoder()

/** Tells who has uploaded a file, on all their connections here, that it is ready or rejected. Who misses it asks for the upload. */
export function tellSettledUploads(bus: Bus, delivery: Pick<LocalDelivery, 'connectionsOf'>): Promise<AsyncDisposable> {
  return listen(bus, media.notices.settled, {}, (data) => {
    const { userId, upload } = SettledNotice.parse(JSON.parse(decoder.decode(data)))
    const connections = delivery.connectionsOf(userId)
    if (connections.length === 0) return
    const frame = frameOf(upload)
    for (const connection of connections) connection.sendFrame(frame)
  })
}

function frameOf(upload: SettledNotice['upload']) {
  const { rejectedReason: reason } = upload
  return reason === null
    ? encodeInvocation('MediaReady', [upload])
    : encodeInvocation('MediaRejected', [{ upload, reason }])
}

import { connect } from 'nats'

/** How many events `presence` has said to other services so far. */
export async function countPresenceEvents(natsUrl: string): Promise<number> {
  const nats = await connect({ servers: natsUrl })
  try {
    const manager = await nats.jetstreamManager()
    return (await manager.streams.info('PRESENCE')).state.messages
  } finally {
    await nats.close()
  }
}

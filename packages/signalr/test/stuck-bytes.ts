import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import type { RawClient } from './fixture.ts'

/** Waits until the client cannot get rid of all that it has sent, and nothing of it moves any more. */
export async function stuckBytes({ socket }: RawClient): Promise<number> {
  const areStuck = async () => {
    const before = socket.bufferedAmount
    await delay(100)
    return before > 0 && socket.bufferedAmount === before
  }
  await expect.poll(areStuck, { timeout: 10_000 }).toBe(true)
  return socket.bufferedAmount
}

import { expect, vi } from 'vitest'
import { expectInbox, expectReads } from './expect-reads.ts'
import type { ModelTalk } from './model-talk.ts'
import type { RealTalk } from './real-talk.ts'

const TIMEOUT_MS = 20_000

/** Everybody's fresh reads, and everything that their devices hold or have heard, are what they should be. */
export async function expectAll(model: ModelTalk, real: RealTalk): Promise<void> {
  for (const user of real.users) {
    await expectInbox(model, user)
    for (const conversation of model.conversations) await expectReads(model, user, conversation)
  }
  await Promise.all(
    real.users.flatMap(({ devices }) =>
      devices.map((device) => vi.waitFor(() => device.expectComplete(), { timeout: TIMEOUT_MS, interval: 30 })),
    ),
  )
  expect(model.conversations.length).toBeGreaterThan(0)
}

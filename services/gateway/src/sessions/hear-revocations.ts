import { listen, type Bus } from '@parley/bus'
import { auth, RevocationNotice } from '@parley/contracts'
import type { Logger } from '@parley/runtime'
import type { Calls } from '../calls-over.ts'
import { listRevocations } from './list-revocations.ts'
import type { Revocations } from './revocations.ts'

/** What was missed is asked for again after so long when nobody answers. */
const RETRY_MS = 500
/** Every second someone says how far revocations have come. Who hears nothing for so long asks. */
const SILENCE_MS = 10_000

/** Whether this gateway knows what was revoked. */
export interface HearingRevocations extends AsyncDisposable {
  /** False until all revocations have been heard once: until then nobody can be let in. */
  readonly isWhole: boolean
  /** Rejects while it is not whole. A health check. */
  check(): Promise<void>
}

/**
 * Keeps the revocations whole: hears of new ones at once, and asks `auth` for those that were told while nobody listened,
 * whether that was before the start, while NATS was away, or because a notice was lost.
 */
export async function hearRevocations(options: {
  bus: Bus
  calls: Pick<Calls['auth'], 'listRevocations'>
  revocations: Revocations
  /** There are new ones. */
  onRevoked: () => void
  log: Logger
}): Promise<HearingRevocations> {
  const { bus, calls, revocations, onRevoked, log } = options
  let isWhole = false
  let asking: Promise<void> | undefined
  let heardAtMs = performance.now()

  async function askOnce(): Promise<void> {
    const before = revocations.position
    await listRevocations(calls, revocations)
    if (!isWhole) log.info({ revocations: revocations.size }, 'revocations read')
    isWhole = true
    heardAtMs = performance.now()
    if (revocations.position > before) onRevoked()
  }

  /** Once for all who want it meanwhile. */
  function ask(): void {
    asking ??= askOnce()
      .catch((error: unknown) => log.warn({ error }, 'revocations could not be read'))
      .finally(() => (asking = undefined))
  }

  function hear({ position, revocations: told }: RevocationNotice): void {
    heardAtMs = performance.now()
    // In order, and next to what is known: otherwise what is between is missing, and is asked for.
    const isNext = told[0]?.position === revocations.position + 1
    if (isWhole && isNext) {
      for (const revocation of told) revocations.add(revocation)
      onRevoked()
    }
    if (position > revocations.position) ask()
  }

  const hearing = await listen(bus, auth.notices.revoked, {}, (data) =>
    hear(RevocationNotice.parse(JSON.parse(decoder.decode(data)))),
  )
  bus.onReconnect(() => ask())
  const timer = setInterval(() => {
    if (!isWhole || performance.now() - heardAtMs > SILENCE_MS) ask()
    revocations.forget(Date.now())
  }, RETRY_MS)
  ask()
  await asking

  return {
    get isWhole() {
      return isWhole
    },
    async check() {
      if (!isWhole) throw new Error('what was revoked has not been read yet')
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await hearing[Symbol.asyncDispose]()
      await asking
    },
  }
}

const decoder = new TextDecoder()

import { notify, type Bus } from '@parley/bus'
import { auth, type Revocation, type RevocationNotice } from '@parley/contracts'
import type { Logger } from '@parley/runtime'

/** Several times below what NATS carries in one message. */
const REVOCATIONS_PER_NOTICE = 500

/** Tells all gateways at once what was revoked. A notice that is lost is missed by its position, which is told every second. */
export function tellRevocations(bus: Bus, log: Logger, revocations: readonly Revocation[]): void {
  try {
    for (let start = 0; start < revocations.length; start += REVOCATIONS_PER_NOTICE) {
      const part = revocations.slice(start, start + REVOCATIONS_PER_NOTICE)
      tellPosition(bus, part.at(-1)!.position, part)
    }
  } catch (error) {
    log.warn({ error, revocations: revocations.length }, 'revocations not told yet')
  }
}

/** Says how far revocations have come. Throws while NATS is away. */
export function tellPosition(bus: Bus, position: number, revocations: readonly Revocation[] = []): void {
  const told: RevocationNotice = { position, revocations: [...revocations] }
  notify(bus, auth.notices.revoked, {}, encoder.encode(JSON.stringify(told)))
}

const encoder = new TextEncoder()

import type { Bus } from '@parley/bus'
import { tellPosition } from '../sessions/tell-gateways.ts'
import { newestPosition } from '../store/revocations.ts'
import type { Db } from '../store/tables.ts'

/** Repeats to all gateways how far revocations have come, by whichever instance: who has missed one asks for it. */
export async function tellRevocationPosition(db: Db, bus: Bus): Promise<void> {
  tellPosition(bus, await newestPosition(db))
}

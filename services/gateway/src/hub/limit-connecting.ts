import type { IncomingMessage } from 'node:http'
import { Refused } from '@parley/contracts'
import { refusals, type Refusal } from '@parley/protocol'
import { HubRefusal } from '@parley/signalr'
import { retryAfterOf } from '../http/retry-after.ts'
import type { AddressOf } from '../limits/client-address.ts'
import type { Limits } from '../limits/open-limits.ts'

type Authenticate<Identity> = (request: IncomingMessage, connectionId: string) => Promise<Identity>

/**
 * Counts whoever begins to connect, before their token is looked at. Later requests of a connection bring the token that they
 * got when they were counted; also those that other gateways pass on, in whose name nothing is counted.
 */
export function limitConnecting<Identity>(
  authenticate: Authenticate<Identity>,
  { limits, addressOf }: { limits: Pick<Limits, 'admitConnecting'>; addressOf: AddressOf },
): Authenticate<Identity> {
  return async (request, connectionId) => {
    try {
      if (isBeginning(request)) await limits.admitConnecting(addressOf(request))
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      const refusal: Refusal = error.refusal
      const headers = { 'retry-after': String(retryAfterOf(refusal)) }
      throw new HubRefusal(refusals[refusal.code].status, error.message, headers)
    }
    return authenticate(request, connectionId)
  }
}

function isBeginning({ url = '/' }: IncomingMessage): boolean {
  const { pathname, searchParams } = new URL(url, 'http://gateway')
  return !searchParams.get('id') || /\/negotiate\/*$/i.test(pathname)
}

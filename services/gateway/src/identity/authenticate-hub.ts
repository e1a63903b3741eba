import type { IncomingMessage } from 'node:http'
import { Refused } from '@parley/contracts'
import { refusals, type RefusalCode } from '@parley/protocol'
import { HubRefusal } from '@parley/signalr'
import { hubTokenOf } from './bearer-token.ts'
import type { Identity } from './identity.ts'
import type { VerifyToken } from './verify-token.ts'

/** Turns a hub request without a good token away before it becomes a connection. */
export function authenticateHub(verifyToken: VerifyToken): (request: IncomingMessage) => Promise<Identity> {
  return async (request) => {
    try {
      return await verifyToken(hubTokenOf(request))
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      const code: RefusalCode = error.refusal.code
      throw new HubRefusal(refusals[code].status, error.message)
    }
  }
}

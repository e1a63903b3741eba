import { headers, type MsgHdrs } from 'nats'

const TIMEOUT = 'Parley-Timeout-Ms'
const REQUEST_ID = 'Parley-Request-Id'

/** What accompanies a call besides its request: given to handlers, and handed on to the calls they make in turn. */
export interface CallContext {
  /** The same through all services that work on one client's request. */
  readonly requestId: string
  /** What is left of the time the first caller waits. */
  remainingMs(): number
}

/** A context that ends `timeoutMs` from now. It counts by the monotonic clock, so that a wrong time of day drops nothing. */
export function createContext(requestId: string, timeoutMs: number): CallContext {
  const endsAt = performance.now() + timeoutMs
  return { requestId, remainingMs: () => endsAt - performance.now() }
}

/** The time left travels as a duration, not as a time of day: the clocks of two machines need not agree. */
export function writeContext(requestId: string, timeoutMs: number): MsgHdrs {
  const written = headers()
  written.set(TIMEOUT, String(Math.floor(timeoutMs)))
  written.set(REQUEST_ID, requestId)
  return written
}

export function readContext(read: MsgHdrs | undefined, defaultTimeoutMs: number): CallContext {
  const timeoutMs = Number(read?.get(TIMEOUT) || defaultTimeoutMs)
  return createContext(read?.get(REQUEST_ID) ?? '', Number.isFinite(timeoutMs) ? timeoutMs : defaultTimeoutMs)
}

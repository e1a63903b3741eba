import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** A request is turned away with this status, before it becomes a connection. */
export class HubRefusal extends Error {
  override readonly name = 'HubRefusal'
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  /** The message is the body of the answer. */
  constructor(status: number, message: string = STATUS_CODES[status] ?? '', headers: Record<string, string> = {}) {
    super(message)
    this.status = status
    this.headers = status === 401 ? { 'www-authenticate': 'Bearer', ...headers } : headers
  }
}

/** Those who are turned away together do not come back together. */
const MAX_RETRY_SECONDS = 3

/** This is no time for one more. */
export function comeBackLater(): HubRefusal {
  const seconds = 1 + Math.floor(Math.random() * MAX_RETRY_SECONDS)
  return new HubRefusal(503, undefined, { 'retry-after': String(seconds) })
}

export const unknownConnection = (): HubRefusal => new HubRefusal(404, 'No Connection with that ID')

export function answerRefusal(response: ServerResponse, refusal: HubRefusal): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(refusal.status, { ...headersOf(refusal), ...refusal.headers })
  response.end(refusal.message)
}

/** The same on a socket that asked for an upgrade, where there is no response object. */
export function refuseUpgrade(socket: Duplex, refusal: HubRefusal): void {
  const headers = { connection: 'close', ...headersOf(refusal), ...refusal.headers }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  socket.on('error', ignoreSocketError)
  socket.once('finish', () => socket.destroy())
  socket.end([`HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`, ...lines, '', refusal.message].join('\r\n'))
}

/** A socket that breaks before it is a connection closes by itself; what was meant to become of it comes to nothing. */
export const ignoreSocketError = (): void => {}

const headersOf = (refusal: HubRefusal): Record<string, string> => ({
  'content-type': 'text/plain; charset=utf-8',
  'content-length': String(Buffer.byteLength(refusal.message)),
})

import type { IncomingMessage } from 'node:http'
import { isIP, isIPv6 } from 'node:net'
import proxyaddr from 'proxy-addr'
import { z } from 'zod'

/** The proxies in front of the gateways: their addresses and networks, or how many there are in a row. */
export type TrustedProxies = readonly string[] | number

/** Addresses and networks, such as `10.0.0.0/8`, separated by commas; or how many proxies there are. */
export const GivenProxies = z.string().transform((text, context): TrustedProxies => {
  if (/^\d{1,2}$/.test(text)) return Number(text)
  const networks = text.split(',').map((network) => network.trim())
  try {
    createAddressOf(networks)
    return networks
  } catch {
    context.addIssue('neither a number nor a list of networks')
    return z.NEVER
  }
})

/** The address of the client that sent a request, also of one that asks for an upgrade. */
export type AddressOf = (request: IncomingMessage) => string

/**
 * Only proxies that are trusted are believed whom they name in `X-Forwarded-For`: anybody can write that header. What they name
 * that is no address counts for nothing; the client is then whoever holds the socket. Throws if `trusted` is no such list.
 */
export function createAddressOf(trusted: TrustedProxies): AddressOf {
  const trust =
    typeof trusted === 'number' ? (_: string, hop: number) => hop < trusted : proxyaddr.compile([...trusted])
  return (request) => {
    const address = proxyaddr(request, trust)
    return asIPv4(isIP(address) === 0 ? (request.socket.remoteAddress ?? '') : address)
  }
}

/** What is counted as one client: an IPv4 address, or the /64 of an IPv6 address, of which its owner has all. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('::')
  const groups = groupsOf(head)
  if (tail !== undefined) {
    const last = groupsOf(tail)
    // An IPv4 address at the end takes the place of two.
    const length = last.length + (tail.includes('.') ? 1 : 0)
    while (groups.length + length < 8) groups.push('0')
    groups.push(...last)
  }
  const four = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${four.join(':')}::/64`
}

const groupsOf = (part: string): string[] => (part === '' ? [] : part.split(':'))

/** A socket that hears both kinds names IPv4 addresses in the way of IPv6. */
const asIPv4 = (address: string): string => /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address

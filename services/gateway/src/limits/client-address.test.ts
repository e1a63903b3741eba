import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { createAddressOf, GivenProxies, networkOf, type TrustedProxies } from './client-address.ts'

/** Who is seen to ask, of a request that came over a socket from this address, with this header. */
function seen(trusted: TrustedProxies, remoteAddress: string | undefined, forwardedFor?: string): string {
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }
  return createAddressOf(trusted)({ headers, socket: { remoteAddress } } as unknown as IncomingMessage)
}

test('without trusted proxies nobody is believed', () => {
  expect(seen(0, '203.0.113.9', '198.51.100.1')).toBe('203.0.113.9')
  expect(seen(['10.0.0.0/8'], '203.0.113.9', '198.51.100.1')).toBe('203.0.113.9')
})

test('a trusted proxy is believed whom it names, and nobody before that', () => {
  const trusted = ['10.0.0.0/8', '2001:db8::/32']
  expect(seen(trusted, '10.1.2.3', '198.51.100.1')).toBe('198.51.100.1')
  expect(seen(trusted, '::ffff:10.1.2.3', '192.0.2.66, 198.51.100.1, 10.9.9.9')).toBe('198.51.100.1')
  expect(seen(trusted, '2001:db8::1', 'fd00::7')).toBe('fd00::7')
})

test('so many proxies in a row are believed as there are said to be', () => {
  expect(seen(1, '10.1.2.3', '192.0.2.66, 198.51.100.1')).toBe('198.51.100.1')
  expect(seen(2, '10.1.2.3', '192.0.2.66, 198.51.100.1, 10.9.9.9')).toBe('198.51.100.1')
  expect(seen(2, '10.1.2.3')).toBe('10.1.2.3')
})

test.each(['unknown', '198.51.100.1:5678', 'x'.repeat(1_000), '', '::ffff:1.2.3.4.5'])(
  'what is named and is no address (%s) counts for nothing',
  (named) => {
    expect(seen(1, '10.1.2.3', named)).toBe('10.1.2.3')
  },
)

test('a client that has hung up has no address, and does no harm', () => {
  expect(seen(0, undefined)).toBe('')
  expect(seen(['10.0.0.0/8'], undefined, '198.51.100.1')).toBe('')
})

test.each([
  ['198.51.100.1', '198.51.100.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::6', '2001:db8:1:2::/64'],
  ['2001:db8::6', '2001:db8:0:0::/64'],
  ['2001:db8:1::5:6', '2001:db8:1:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['1::', '1:0:0:0::/64'],
  ['64:ff9b::198.51.100.1', '64:ff9b:0:0::/64'],
  ['1:2:3::198.51.100.1', '1:2:3:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('%s counts as %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})

test('proxies are given as networks or as a number', () => {
  expect(GivenProxies.parse('2')).toBe(2)
  expect(GivenProxies.parse('10.0.0.0/8, 127.0.0.1')).toEqual(['10.0.0.0/8', '127.0.0.1'])
  for (const wrong of ['everybody', '10.0.0.0/64', '-1', '1.5', ',']) {
    expect(GivenProxies.safeParse(wrong).success).toBe(false)
  }
})

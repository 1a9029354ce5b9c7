import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readProxies } from '../../src/config/proxies.ts'
import { makeClientAddress } from '../../src/intake/client-address.ts'

type Incoming = Parameters<ReturnType<typeof makeClientAddress>>[0]

const call = (remoteAddress: string, forwarded?: string): Incoming =>
  ({ socket: { remoteAddress }, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } }) as Incoming

const behind = (proxies: string) => {
  const read = readProxies(proxies)
  expect(read.problems).toEqual([])
  return makeClientAddress(read.proxies)
}

test.each([
  ['nothing is believed unless it was set', '', '10.0.0.1', '203.0.113.7', '10.0.0.1'],
  ['nothing is believed of a stranger', '10.0.0.1', '10.0.0.2', '203.0.113.7', '10.0.0.2'],
  ['our proxy names the client', '10.0.0.1', '10.0.0.1', '203.0.113.7', '203.0.113.7'],
  ['a mapped address is the address', '10.0.0.1', '::ffff:10.0.0.1', '::ffff:203.0.113.7', '203.0.113.7'],
  ['what the client wrote before is left', '10.0.0.1', '10.0.0.1', '127.0.0.1, 203.0.113.7', '203.0.113.7'],
  ['two proxies of ours', '10.0.0.0/8', '10.0.0.1', '1.2.3.4, 203.0.113.7,10.9.9.9', '203.0.113.7'],
  ['a proxy that names nobody', '10.0.0.0/8', '10.0.0.1', undefined, '10.0.0.1'],
  ['a proxy that names nonsense', '10.0.0.0/8', '10.0.0.1', '203.0.113.7, unknown', '10.0.0.1'],
  ['only proxies', '10.0.0.0/8', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ['IPv6', 'fd00::/8, ::1', '::1', '2001:db8::7, fd00::2', '2001:db8::7'],
])('%s', (_, proxies, from, forwarded, client) => {
  expect(behind(proxies)(call(from, forwarded))).toBe(client)
})

test('a request without a connection is of nobody', () => {
  expect(behind('10.0.0.0/8')(undefined)).toBe('unknown')
})

test('whatever a stranger writes, they stay who they are', () => {
  const clientOf = behind('10.0.0.0/8, fd00::/8')
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.array(fc.oneof(fc.ipV4(), fc.ipV6())).map(String)), (written) => {
      expect(clientOf(call('203.0.113.9', written))).toBe('203.0.113.9')
      expect(clientOf(call('10.0.0.1', `${written}, 203.0.113.9`))).toBe('203.0.113.9')
    }),
  )
})

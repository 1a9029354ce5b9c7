import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import type { Subnet } from '../config/proxies.ts'

export type ClientAddress = (incoming: Pick<IncomingMessage, 'socket' | 'headers'> | undefined) => string

/** More hops than that is no way of ours. */
const mostHops = 20
const mapped = /^::ffff:(?=\d+\.)/i

/** Who calls: whoever opened the connection, or, where that is a trusted proxy, whom it names in `X-Forwarded-For`. The
 *  header is read from its end, where our own proxies write; what stands before the first stranger is that stranger's word. */
export const makeClientAddress = (trusted: readonly Subnet[]): ClientAddress => {
  const proxies = new BlockList()
  for (const { address, bits, family } of trusted) proxies.addSubnet(address, bits, family)
  const isProxy = (address: string): boolean => proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

  return (incoming) => {
    let client = incoming?.socket.remoteAddress?.replace(mapped, '')
    // Without a listener (a request made in a test) there is no socket.
    if (client === undefined) return 'unknown'
    const named = String(incoming?.headers['x-forwarded-for'] ?? '').split(',')
    for (let hop = 0; hop < mostHops && isProxy(client); hop++) {
      const before = named.pop()?.trim().replace(mapped, '')
      if (before === undefined || isIP(before) === 0) break
      client = before
    }
    return client
  }
}

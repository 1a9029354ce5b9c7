import { isIP } from 'node:net'
import type { ConfigProblem } from '../contract/index.ts'

/** Addresses that begin with the same bits. */
export interface Subnet {
  readonly address: string
  readonly bits: number
  readonly family: 'ipv4' | 'ipv6'
}

const variable = 'OPENCLAW_CONNECTOR_TRUSTED_PROXIES'
const widest = { ipv4: 32, ipv6: 128 } as const

/** Addresses and subnets (`10.0.0.0/8`), commas between. A wrong entry would trust a stranger's word, or nobody's. */
export const readProxies = (
  text: string | undefined,
): { readonly proxies: readonly Subnet[]; readonly problems: readonly ConfigProblem[] } => {
  const proxies: Subnet[] = []
  const problems: ConfigProblem[] = []
  for (const entry of (text ?? '').split(',').map((one) => one.trim())) {
    if (entry === '') continue
    const subnet = subnetOf(entry)
    if (subnet) proxies.push(subnet)
    else
      problems.push({ variable, read: entry, cure: 'Write addresses or subnets: 127.0.0.1, 172.16.0.0/12, fd00::/8.' })
  }
  return { proxies, problems }
}

const subnetOf = (entry: string): Subnet | null => {
  const [address = '', bits, more] = entry.split('/')
  const version = isIP(address)
  if (version === 0 || more !== undefined) return null
  const family = version === 4 ? 'ipv4' : 'ipv6'
  if (bits === undefined) return { address, bits: widest[family], family }
  // None at all would be everybody.
  const isSize = /^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= widest[family]
  return isSize ? { address, bits: Number(bits), family } : null
}

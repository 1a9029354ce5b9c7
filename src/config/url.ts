import { quote } from './mask.ts'

const loopback = /^(?:localhost|(?:[^.]+\.)*localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[::1\])$/
/** RFC 1918, RFC 6598 (carrier and overlay networks), RFC 3927, RFC 4193, RFC 4291 link-local. */
const privateAddress =
  /^(?:10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)[\d.]+$|^\[f[cd][0-9a-f]{2}:|^\[fe[89ab][0-9a-f]:/
/** Names no public DNS serves: a container beside us, RFC 6762, RFC 8375, and `.internal` (ICANN 2024). */
const privateName = /^[a-z0-9_-]+$|\.(?:local|lan|internal|home\.arpa)$/

/** Where a host is, as far as its spelling tells. */
export function reach(host: string): 'loopback' | 'private' | 'public' {
  if (loopback.test(host)) return 'loopback'
  return privateAddress.test(host) || privateName.test(host) ? 'private' : 'public'
}

export type UrlReading =
  | { readonly ok: true; readonly url: string }
  | { readonly ok: false; readonly read: string; readonly cure: string }

const refuse = (read: string, cure: string): UrlReading => ({ ok: false, read, cure })

/** An http(s) base URL without trailing slash. `plain`: how far plain http may go. Never quotes credentials. */
export function readUrl(raw: string, plain: 'loopback' | 'private'): UrlReading {
  const url = URL.parse(raw)
  const shape = 'Write it like https://bot.example.com.'
  if (url === null) return refuse(raw.includes('@') ? 'is not a URL' : `${quote(raw)} is not a URL`, shape)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return refuse(`begins with ${quote(url.protocol)}, which is neither http nor https`, shape)
  }
  const shown = quote(url.origin)
  if (url.username !== '' || url.password !== '') {
    return refuse(`${shown} comes with a user name or password`, 'Leave them out of the URL.')
  }
  if (url.search !== '' || url.hash !== '') {
    return refuse(`${shown} comes with a query or a fragment`, 'End the URL before the "?" or "#".')
  }
  const where = reach(url.hostname)
  const plainAllowed = where === 'loopback' || (plain === 'private' && where === 'private')
  if (url.protocol === 'http:' && !plainAllowed) {
    return refuse(`${shown} would send everything readable over the network`, 'Use https.')
  }
  return { ok: true, url: `${url.origin}${url.pathname}`.replace(/\/+$/, '') }
}

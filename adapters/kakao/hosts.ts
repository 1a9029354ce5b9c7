/** Where callback addresses may point (AI chatbot callback guide; seen: bot-api.kakao.com). */
export const callbackDomain = 'kakao.com'

/** Where pictures people send are kept. */
export const pictureDomain = 'kakaocdn.net'

const maxUrlLength = 2048

/**
 * The URL, if it is https on the domain or one of its subdomains, on the default port and without credentials. An
 * address from a request must never lead us into our own network. `apiBase` is the operator's word for a further
 * origin (a proxy, a test server) and may be plain http.
 */
export const trustedUrl = (text: string, domain: string, apiBase: string | undefined): URL | null => {
  const url = text.length <= maxUrlLength ? URL.parse(text) : null
  if (url === null || url.username !== '' || url.password !== '') return null
  if (apiBase !== undefined && url.origin === URL.parse(apiBase)?.origin) return url
  const within = url.hostname === domain || url.hostname.endsWith(`.${domain}`)
  return within && url.protocol === 'https:' && url.port === '' ? url : null
}

/** The host alone, for the log: the rest of such an address is a secret or an attack. */
export const hostOf = (text: string): string => URL.parse(text)?.hostname.slice(0, 100) || 'unreadable'

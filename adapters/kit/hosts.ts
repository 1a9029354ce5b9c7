const maxUrlLength = 2048

/**
 * The URL, if it is https on a trusted host, on the default port and without credentials; null otherwise. An address
 * that comes from outside must never lead us, or a token of ours, elsewhere. `apiBase` is the operator's word for a
 * further origin (a proxy, a test server) and may be plain http.
 */
export const trustedUrl = (
  text: string,
  isTrusted: (hostname: string) => boolean,
  apiBase: string | undefined,
): URL | null => {
  const url = text.length <= maxUrlLength ? URL.parse(text) : null
  if (url === null || url.username !== '' || url.password !== '') return null
  if (apiBase !== undefined && url.origin === URL.parse(apiBase)?.origin) return url
  return url.protocol === 'https:' && url.port === '' && isTrusted(url.hostname) ? url : null
}

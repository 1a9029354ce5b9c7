import * as hosts from '../kit/hosts.ts'

/** Where callback addresses may point (AI chatbot callback guide; seen: bot-api.kakao.com). */
export const callbackDomain = 'kakao.com'

/** Where pictures people send are kept. */
export const pictureDomain = 'kakaocdn.net'

/** The URL, if it is https on the domain or one of its subdomains, or on the operator's own origin. */
export const trustedUrl = (text: string, domain: string, apiBase: string | undefined): URL | null =>
  hosts.trustedUrl(text, (host) => host === domain || host.endsWith(`.${domain}`), apiBase)

/** The host alone, for the log: the rest of such an address is a secret or an attack. */
export const hostOf = (text: string): string => URL.parse(text)?.hostname.slice(0, 100) || 'unreadable'

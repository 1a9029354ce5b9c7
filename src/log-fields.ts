/** Names whose text never goes into a log line, whatever it is. Numbers (`tokenMs`) and yes/no stay. */
const hidden = /token|secret|passw|authorization|cookie|api[-_]?key|signature|credential/i
/** Names the line itself uses. */
const taken = new Set(['level', 'time', 'msg'])

const maxDepth = 5
const maxEntries = 50
const maxNodes = 400
const maxTextLength = 4000
const maxTotalLength = 32_000

/** Query strings carry signatures and codes, and some platforms put the token into the path (`/bot123:abc/…`). */
const tidyUrls = (text: string): string =>
  text.replace(
    /\b([a-z]{2,10}:\/\/)(?:[^\s/@?#"'<>]*@)?([^\s?#"'<>]*)([?#][^\s"'<>]*)?/gi,
    (_, scheme: string, rest: string, query: string | undefined) =>
      `${scheme}${rest.replace(/\d+(?::|%3A)[\w-]{20,}/gi, '***')}${query === undefined ? '' : '?…'}`,
  )

export interface Cleaner {
  readonly text: (text: string) => string
  readonly fields: (fields: object) => Record<string, unknown>
}

/** Makes fields fit for a log line: bounded in every direction, errors reduced to what they say, URLs without query,
 *  configured secrets replaced (before anything is cut, so that no half of one stays). */
export function cleaner(redact: (text: string) => string): Cleaner {
  const whole = (text: string): string => tidyUrls(redact(text))
  const cut = (text: string, max: number): string => (text.length <= max ? text : `${text.slice(0, max)}…`)
  const text = (raw: string): string => cut(whole(raw), maxTextLength)

  function fields(raw: object): Record<string, unknown> {
    let nodes = maxNodes
    let length = maxTotalLength

    function string(value: string): string {
      const shown = cut(whole(value), Math.min(maxTextLength, length))
      length = Math.max(0, length - shown.length)
      return shown
    }

    function error(value: Error, depth: number): Record<string, unknown> {
      const code = 'code' in value && (typeof value.code === 'string' || typeof value.code === 'number')
      return {
        type: string(value.name),
        message: string(value.message),
        ...(code ? { code: one(value.code, depth + 1) } : {}),
        ...(depth <= 1 && value.stack !== undefined ? { stack: string(value.stack) } : {}),
        ...(value.cause === undefined ? {} : { cause: one(value.cause, depth + 1) }),
      }
    }

    function object(value: object, depth: number): Record<string, unknown> {
      const out: Record<string, unknown> = {}
      for (const [key, inner] of Object.entries(value).slice(0, maxEntries)) {
        const name = depth === 0 && taken.has(key) ? `${key}_` : key
        const text = typeof inner === 'string' || Array.isArray(inner)
        out[name] = text && inner.length > 0 && hidden.test(key) ? '***' : one(inner, depth + 1)
      }
      return out
    }

    function one(value: unknown, depth: number): unknown {
      nodes -= 1
      if (nodes < 0 || depth > maxDepth) return '…'
      if (typeof value === 'string') return string(value)
      if (typeof value === 'bigint' || typeof value === 'symbol') return string(String(value))
      if (typeof value === 'function') return '[function]'
      if (typeof value !== 'object' || value === null) return value
      if (value instanceof Error) return error(value, depth)
      if (value instanceof URL) return string(value.href)
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'no date' : value.toISOString()
      if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
      if (value instanceof Map || value instanceof Set) return `[${value.size} entries]`
      if (Array.isArray(value)) return value.slice(0, maxEntries).map((inner) => one(inner, depth + 1))
      return object(value, depth)
    }

    return raw instanceof Error ? { err: error(raw, 1) } : object(raw, 0)
  }

  return { text, fields }
}

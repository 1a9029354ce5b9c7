// A file of its own so that the token and the app secret stay behind one door.
import { createHmac } from 'node:crypto'
import * as v from 'valibot'
import { networkFault, readText, redactor, retryAfterMs, withDeadline } from '../kit/http.ts'
import { GraphError, wantsProof } from './errors.ts'
import { refusal } from './wire.ts'

export interface GraphCall {
  /** Below the version, e.g. `<phone number id>/messages`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** A POST with a JSON body, or with a form; a GET without both. */
  readonly json?: object
  readonly form?: FormData
  /** Another token than ours: the app's own. */
  readonly token?: string
}

export interface GraphReply {
  readonly body: unknown
  /** The `Date` header, in ms since the epoch. */
  readonly dateMs: number | null
}

export interface Graph {
  /** One API call. Throws GraphError, whose message holds no secret. */
  readonly call: (call: GraphCall, signal: AbortSignal, timeoutMs: number) => Promise<GraphReply>
  /** Fetches a file with our token, following no redirect. The caller has checked the host, and bounds the body. */
  readonly file: (url: URL, signal: AbortSignal) => Promise<Response>
}

export interface GraphSettings {
  readonly token: string
  readonly appSecret: string | undefined
  readonly verifyToken: string | undefined
  /** With the version, without a slash at the end. */
  readonly base: string
  readonly fetch: typeof fetch
  readonly now: () => number
}

const maxAnswerBytes = 1024 * 1024
/** Some of Meta's file hosts refuse clients that do not name themselves (facts/whatsapp-cloud §3). */
const agent = 'openclaw-connector/1'

export const openGraph = (settings: GraphSettings): Graph => {
  const { token, appSecret, verifyToken, base, fetch, now } = settings
  const proofOf = (one: string): string =>
    appSecret === undefined ? '' : createHmac('sha256', appSecret).update(one).digest('hex')
  const redact = redactor([token, appSecret ?? '', verifyToken ?? '', proofOf(token)])
  // Apps can demand it ("Require app secret"). Not given unasked: the token may be of another app than the secret.
  let needsProof = false
  const headersFor = (one: string) => ({ authorization: `Bearer ${one}`, 'user-agent': agent })

  const refused = (response: Response, text: string): GraphError => {
    const read = v.safeParse(v.pipe(v.string(), v.parseJson(), refusal), text)
    const told = read.success ? read.output.error : null
    const said = [told?.message, told?.error_data?.details].filter((one) => one !== undefined && one !== '').join(' - ')
    return new GraphError({
      status: response.status,
      code: told?.code ?? null,
      subcode: told?.error_subcode ?? null,
      transient: told?.is_transient === true,
      words: redact(said || 'no readable answer').slice(0, 500),
      retryAfterMs: retryAfterMs(response.headers.get('retry-after'), now()),
    })
  }

  const once: Graph['call'] = async ({ path, query = {}, json, form, token: other = token }, signal, timeoutMs) => {
    if (signal.aborted) throw new GraphError({ words: 'stopped before it was sent' })
    const search = new URLSearchParams(needsProof ? { ...query, appsecret_proof: proofOf(other) } : query).toString()
    const body = json === undefined ? form : JSON.stringify(json)
    try {
      return await withDeadline(signal, timeoutMs, async (both) => {
        const response = await fetch(`${base}/${path}${search === '' ? '' : `?${search}`}`, {
          method: body === undefined ? 'GET' : 'POST',
          redirect: 'manual',
          headers: { ...headersFor(other), ...(json === undefined ? {} : { 'content-type': 'application/json' }) },
          ...(body === undefined ? {} : { body }),
          signal: both,
        })
        const text = await readText(response, maxAnswerBytes)
        const read = v.safeParse(v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown())), text)
        if (!response.ok || (read.success && 'error' in read.output)) throw refused(response, text)
        // Taken, as the status says, but by whom? What it did is not known then.
        if (!read.success) throw new GraphError({ words: `${response.status} without JSON`, delivered: 'maybe' })
        const dateMs = Date.parse(response.headers.get('date') ?? '')
        return { body: read.output, dateMs: Number.isNaN(dateMs) ? null : dateMs }
      })
    } catch (error) {
      if (error instanceof GraphError) throw error
      if (signal.aborted) throw new GraphError({ words: 'stopped', delivered: 'maybe' })
      const { code, delivered } = networkFault(error)
      throw new GraphError({ words: `network trouble (${code})`, delivered })
    }
  }

  const call: Graph['call'] = async (request, signal, timeoutMs) => {
    try {
      return await once(request, signal, timeoutMs)
    } catch (error) {
      const asked = error instanceof GraphError && wantsProof(error)
      if (!asked || needsProof || appSecret === undefined) throw error
      needsProof = true
      return once(request, signal, timeoutMs)
    }
  }

  const file: Graph['file'] = async (url, signal) => {
    const response = await fetch(url, { headers: headersFor(token), redirect: 'manual', signal }).catch(
      (error: unknown) => {
        throw new GraphError({ words: `network trouble (${networkFault(error).code})` })
      },
    )
    if (!response.ok) {
      await response.body?.cancel()
      throw new GraphError({ status: response.status, words: `${url.hostname} did not hand out the file` })
    }
    // A new Response, because the original one remembers its URL, and a key to the file is in it.
    return new Response(response.body, { headers: response.headers })
  }

  return { call, file }
}

// A file of its own so that the SDK and the token stay behind one door.
import { networkFault, readText, redactor, retryAfterMs, withDeadline } from '../kit/http.ts'
import { TelegramError } from './errors.ts'

export type Method =
  | 'getMe'
  | 'getUpdates'
  | 'getWebhookInfo'
  | 'getFile'
  | 'setMyCommands'
  | 'deleteMyCommands'
  | 'sendMessage'
  | 'sendPhoto'
  | 'sendDocument'
  | 'sendVideo'
  | 'sendAnimation'
  | 'sendAudio'
  | 'sendVoice'
  | 'sendMediaGroup'
  | 'sendChatAction'
  | 'editMessageText'
  | 'editMessageCaption'
  | 'answerCallbackQuery'

/** A file inside a payload; becomes a part of the multipart body. */
export interface Upload {
  readonly upload: Blob
  readonly name: string
}

export interface Client {
  /** One API call. Throws TelegramError; its message never holds the token. Result not yet checked. */
  readonly call: (method: Method, payload: object, signal: AbortSignal, timeoutMs: number) => Promise<unknown>
  /** Fetches a file that `getFile` named. The caller reads and bounds the body. */
  readonly file: (path: string, signal: AbortSignal) => Promise<Response>
}

type Raw = Readonly<Record<Method, (...args: readonly unknown[]) => Promise<unknown>>>
interface Sdk {
  readonly raw: Raw
  readonly toFile: (file: Upload) => object
}

/** The shapes of grammY 1.46 we use; its shipped types describe the Node build, we run the web build. */
interface GrammyWeb {
  readonly Api: new (token: string, options: { apiRoot: string; fetch: typeof fetch }) => { readonly raw: Raw }
  readonly InputFile: new (file: Blob, name: string) => object
}

/** grammY takes these with the signal alone. */
const bare: ReadonlySet<Method> = new Set(['getMe', 'getWebhookInfo'])

const maxAnswerBytes = 16 * 1024 * 1024

export function openClient(settings: {
  readonly token: string
  readonly apiBase: string
  readonly fetch: typeof fetch
  readonly now: () => number
}): Client {
  const { token, apiBase, now } = settings
  const secretHalf = token.slice(token.indexOf(':') + 1)
  const redact = redactor([token, secretHalf])
  let loading: Promise<Sdk> | null = null
  // Loaded at the first call: an adapter that is not configured costs nothing. The web build, because the Node build
  // refuses the built-in fetch and puts the URL with the token into its errors (facts/sdk §2).
  const load = async (): Promise<Sdk> => {
    const { Api, InputFile } = (await import('grammy/web')) as unknown as GrammyWeb
    const api = new Api(token, { apiRoot: apiBase, fetch: enveloped(settings.fetch, now) })
    return { raw: api.raw, toFile: (file) => new InputFile(file.upload, quoted(file.name)) }
  }

  const call: Client['call'] = async (method, payload, signal, timeoutMs) => {
    loading ??= load()
    const { raw, toFile } = await loading
    if (signal.aborted) throw new TelegramError(method, { status: null, description: 'stopped before it was sent' })
    let deadline = signal
    try {
      return await withDeadline(signal, timeoutMs, (both) => {
        deadline = both
        return bare.has(method) ? raw[method](both) : raw[method](withFiles(payload, toFile), both)
      })
    } catch (error) {
      if (!deadline.aborted) throw told(method, error, redact)
      const description = signal.aborted ? 'stopped' : `no answer within ${timeoutMs} ms`
      throw new TelegramError(method, { status: null, description, delivered: 'maybe' })
    }
  }

  const file: Client['file'] = async (path, signal) => {
    const url = `${apiBase}/file/bot${token}/${path.split('/').map(encodeURIComponent).join('/')}`
    const response = await settings.fetch(url, { signal, redirect: 'manual' }).catch((error: unknown) => {
      throw told('file', error, redact)
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new TelegramError('file', { status: response.status, description: 'the file was not handed out' })
    }
    // A new Response, because the original one remembers its URL, and the token is in it.
    return new Response(response.body, { headers: response.headers })
  }

  return { call, file }
}

/** grammY writes the name unquoted; the server cuts it at `;` and strips quotes (tdlib HttpReader). */
const quoted = (name: string): string => `"${name.replace(/["\\;/]|\p{Cc}/gu, '_').slice(0, 200) || 'file'}"`

const isUpload = (value: object): value is Upload => 'upload' in value && value.upload instanceof Blob

function withFiles(value: unknown, toFile: Sdk['toFile']): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => withFiles(item, toFile))
  if (isUpload(value)) return toFile(value)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withFiles(inner, toFile)]))
}

/** Makes every answer an envelope, bounded: proxies answer in HTML, and grammY would drop the status then. */
const enveloped =
  (send: typeof fetch, now: () => number): typeof fetch =>
  async (input, init) => {
    const response = await send(input, { ...init, redirect: 'manual' })
    const text = await readText(response, maxAnswerBytes)
    const body = parsed(text)
    const afterMs = retryAfterMs(response.headers.get('retry-after'), now())
    const after = afterMs === null ? {} : { retry_after: Math.ceil(afterMs / 1000) }
    // As it came: writing it anew would cost a batch of updates twice, and fail on what is nested very deeply.
    if (body?.ok === true) return new Response(text)
    const status = response.status >= 300 ? response.status : 502
    if (body !== null)
      return Response.json({ error_code: status, ...body, parameters: { ...after, ...object(body.parameters) } })
    return Response.json({ ok: false, error_code: status, description: 'not a Bot API answer', parameters: after })
  }

const object = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const body = object(JSON.parse(text))
    return typeof body.ok === 'boolean' ? body : null
  } catch {
    return null
  }
}

/** Reads grammY's errors by their shape. Its causes stay behind: they may hold the URL, hence the token. */
function told(method: string, error: unknown, redact: (text: string) => string): TelegramError {
  const { error_code, description, parameters } = object(error)
  if (typeof error_code !== 'number') {
    const { code, delivered } = networkFault(error)
    return new TelegramError(method, { status: null, description: `network trouble (${code})`, delivered })
  }
  const { retry_after, migrate_to_chat_id } = object(parameters)
  return new TelegramError(method, {
    status: error_code,
    description: redact(String(description ?? '')).slice(0, 500),
    retryAfterMs: typeof retry_after === 'number' ? retry_after * 1000 : null,
    movedTo: Number.isSafeInteger(migrate_to_chat_id) ? String(migrate_to_chat_id) : null,
  })
}

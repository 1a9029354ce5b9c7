import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { type Context, Hono } from 'hono'
import type {
  HttpAnswer,
  InboundEvent,
  InlineAnswer,
  InlineResult,
  Log,
  Part,
  RawRequest,
  Webhook,
} from '../contract/index.ts'
import { readBody } from './body.ts'
import { makeClose } from './closing.ts'
import type { Slots } from './inline.ts'

/** A webhook with everything the shared intake has to know about its platform. */
export interface Hook {
  readonly platform: string
  readonly webhook: Webhook
  /** Platforms whose open request is the answer. */
  readonly inline: { readonly timeoutMs: number; readonly render: (answer: InlineAnswer) => InlineResult } | null
}

export interface HttpDeps {
  /** Resolves once everything is kept; rejects when nothing could be. */
  readonly keep: (hook: Hook, events: readonly InboundEvent[]) => Promise<void>
  readonly slots: Slots
  /** The answer an event already got: `pending` while it is being worked on. */
  readonly earlier: (event: InboundEvent) => Part | 'pending' | null
  /** The answer was written to the caller, or the caller was gone. */
  readonly written: (part: Part, result: InlineResult) => void
  readonly lost: (part: Part) => void
  /** A request was not authentic or not understood. */
  readonly refused: (platform: string) => void
  readonly log: Log
}

type Env = { Bindings: HttpBindings }

export interface Listener {
  readonly port: number
  readonly close: () => Promise<void>
}

const nothing: HttpAnswer = { status: 404, headers: {}, body: '' }
/** As much as a caller may learn. */
const reasons: Readonly<Record<number, string>> = {
  400: 'bad request',
  401: 'unauthorized',
  403: 'forbidden',
  405: 'method not allowed',
  413: 'too large',
  415: 'unsupported media type',
}
const refusal = (status: number): HttpAnswer => ({
  status,
  headers: { 'content-type': 'text/plain' },
  body: reasons[status] ?? '',
})
const unavailable: HttpAnswer = { status: 503, headers: { 'retry-after': '5' }, body: '' }

/** Written here and now: as a `Response` it would go through a stream and back, for a third of a request's time. */
const answer = (c: Context<Env>, { status, headers, body }: HttpAnswer): Response => {
  const outgoing = outgoingOf(c)
  outgoing.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  outgoing.end(body)
  return RESPONSE_ALREADY_SENT
}

// The listeners below speak HTTP/1.1 only.
const outgoingOf = (c: Context<Env>): ServerResponse => c.env.outgoing as ServerResponse
const incomingOf = (c: Context<Env>): IncomingMessage => c.env.incoming as IncomingMessage

/** All hooks of one address behind one listener. Unknown paths and methods learn nothing. */
export const makeApp = (hooks: readonly Hook[], deps: HttpDeps): Hono<Env> => {
  const app = new Hono<Env>()
  for (const hook of hooks) {
    app.all(hook.webhook.path, async (c) => {
      const { methods, maxBytes } = hook.webhook
      if (!methods.some((method) => method === c.req.method)) return answer(c, refusal(405))
      const body = await readBody(incomingOf(c), maxBytes)
      // The caller hung up in the middle of it: nobody is left to be answered.
      if (body === 'cut off') return RESPONSE_ALREADY_SENT
      return answer(c, body === 'too large' ? refusal(413) : await receive(hook, c, body, deps))
    })
  }
  app.notFound((c) => answer(c, nothing))
  app.onError((error, c) => {
    deps.log.error({ error: error.message }, 'webhook failed unexpectedly')
    return answer(c, unavailable)
  })
  return app
}

const receive = async (hook: Hook, c: Context<Env>, body: Uint8Array, deps: HttpDeps): Promise<HttpAnswer> => {
  const { headers, url = '' } = incomingOf(c)
  const request: RawRequest = {
    method: c.req.method,
    path: c.req.path,
    query: queryOf(url),
    header: (name) => textOf(headers[name]),
    body,
  }
  const verdict = await hook.webhook.receive(request)
  if (verdict.kind === 'answer') return verdict.answer
  if (verdict.kind === 'reject') {
    deps.log.warn({ platform: hook.platform, status: verdict.status, reason: verdict.reason }, 'webhook refused')
    deps.refused(hook.platform)
    return refusal(verdict.status)
  }
  const [event] = verdict.events
  // The slot opens before the event is kept: its answer may be there in the same turn.
  const waiting = hook.inline && event ? deps.slots.wait(event.id, hook.inline.timeoutMs) : null
  try {
    await deps.keep(hook, verdict.events)
    if (event && waiting) answerAgain(event, deps)
  } catch (error) {
    if (event) deps.slots.offer(event.id, null)
    deps.log.warn(
      { platform: hook.platform, error: String(error) },
      'event not kept, the platform is asked to bring it again',
    )
    return unavailable
  }
  if (!hook.inline || !event || !waiting) return verdict.ack
  const outcome = await waiting
  if (outcome.kind !== 'part') return hook.inline.render({ kind: outcome.kind, event }).answer
  const result = renderPart(hook.inline, outcome.part, deps)
  watchWrite(
    outgoingOf(c),
    () => deps.written(outcome.part, result),
    () => deps.lost(outcome.part),
  )
  return result.answer
}

/** An event that came again finds its first answer; while it is being worked on it waits beside the first. */
const answerAgain = (event: InboundEvent, { earlier, slots }: HttpDeps): void => {
  const known = earlier(event)
  if (known !== 'pending') slots.offer(event.id, known)
}

/** Of a header that came twice, the values are joined by node's parser. */
const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** An answer that can't be made is not delivered: it takes the next way. */
const renderPart = (inline: NonNullable<Hook['inline']>, part: Part, deps: HttpDeps): InlineResult => {
  try {
    return inline.render({ kind: 'part', part })
  } catch (error) {
    deps.lost(part)
    throw error
  }
}

const queryOf = (url: string): URLSearchParams => {
  const mark = url.indexOf('?')
  return new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1))
}

/** `finish`: handed to the operating system. `close` without it: the caller had hung up. */
const watchWrite = (response: ServerResponse, written: () => void, lost: () => void): void => {
  if (response.destroyed) {
    lost()
    return
  }
  response.once('close', () => (response.writableFinished ? written() : lost()))
}

/** Opens one listener. Rejects when the address can't be had. Slow headers and bodies are cut off. */
export const listen = (
  app: Hono<Env>,
  host: string,
  port: number,
  onError: (error: Error) => void,
): Promise<Listener> =>
  new Promise((resolve, reject) => {
    const server = createAdaptorServer({
      fetch: app.fetch,
      overrideGlobalObjects: false,
      serverOptions: {
        headersTimeout: 10_000,
        requestTimeout: 20_000,
        keepAliveTimeout: 30_000,
        maxHeaderSize: 16_384,
      },
    }) as Server
    const close = makeClose(server)
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      server.on('error', onError)
      const address = server.address()
      resolve({
        port: typeof address === 'object' && address ? address.port : port,
        close,
      })
    })
  })

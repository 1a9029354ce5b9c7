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
  SendReport,
  Verdict,
  Webhook,
} from '../contract/index.ts'
import { readBody } from './body.ts'
import { makeClose } from './closing.ts'
import type { Slots } from './inline.ts'
import { nothing, refusal, unavailable } from './refusals.ts'

/** A webhook with everything the shared intake has to know about its platform. */
export interface Hook {
  readonly platform: string
  readonly webhook: Webhook
  /** Platforms whose open request is the answer. */
  readonly inline: { readonly timeoutMs: number; readonly render: (answer: InlineAnswer) => InlineResult } | null
}

export interface HttpDeps {
  /** Resolves once everything is kept, to the ids of what was new and concerns us; rejects when nothing could be. */
  readonly keep: (hook: Hook, events: readonly InboundEvent[]) => Promise<ReadonlySet<string>>
  /** Resolves once what the platform says about earlier sends is noted. */
  readonly reported: (platform: string, reports: readonly SendReport[]) => Promise<void>
  /** What to say into an open request whose event was not kept; null: it is refused, to be brought again. */
  readonly sorry: (event: InboundEvent, error: unknown) => Part | null
  readonly slots: Slots
  /** The answer an event already got here: `pending` while it is being worked on, null when there is none to give. */
  readonly earlier: (event: InboundEvent) => Promise<Earlier | 'pending' | null>
  /** The answer was written to the caller, or the caller was gone. */
  readonly written: (part: Part, result: InlineResult) => void
  readonly lost: (part: Part) => void
  /** Who calls, as far as that can be known. */
  readonly addressOf: (incoming: IncomingMessage) => string
  /** A request was not authentic or not understood. */
  readonly refused: (platform: string) => void
  readonly log: Log
}

/** `taken`: it lay in the mailbox, and is now noted as handed to an open request. */
export interface Earlier {
  readonly part: Part
  readonly taken: boolean
}

type Env = { Bindings: HttpBindings }

export interface Listener {
  readonly port: number
  readonly close: () => Promise<void>
}

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

/** Parameters (a charset) say nothing: the bytes are decoded strictly. */
const isOneOf = (types: readonly string[], { headers }: IncomingMessage): boolean => {
  const named = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  return named === undefined || types.includes(named)
}

/** All hooks of one address behind one listener. Unknown paths and methods learn nothing. */
export const makeApp = (hooks: readonly Hook[], deps: HttpDeps): Hono<Env> => {
  const app = new Hono<Env>()
  for (const hook of hooks) {
    app.all(hook.webhook.path, async (c) => {
      const { methods, types, maxBytes } = hook.webhook
      if (!methods.some((method) => method === c.req.method)) return answer(c, refusal(405))
      if (c.req.method === 'POST' && !isOneOf(types, incomingOf(c))) return answer(c, refusal(415))
      const body = await readBody(incomingOf(c), maxBytes)
      // The caller hung up in the middle of it: nobody is left to be answered.
      if (body === 'cut off') return RESPONSE_ALREADY_SENT
      const said = body === 'too large' ? refusal(413) : await receive(hook, c, body, deps)
      return said ? answer(c, said) : RESPONSE_ALREADY_SENT
    })
  }
  app.notFound((c) => answer(c, nothing))
  app.onError((error, c) => {
    deps.log.error({ error: error.message }, 'webhook failed unexpectedly')
    return answer(c, unavailable)
  })
  return app
}

/** Null: the caller hung up before there was an answer. */
const receive = async (hook: Hook, c: Context<Env>, body: Uint8Array, deps: HttpDeps): Promise<HttpAnswer | null> => {
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
    const { status, reason } = verdict
    deps.log.warn({ platform: hook.platform, status, reason, from: deps.addressOf(incomingOf(c)) }, 'webhook refused')
    deps.refused(hook.platform)
    return refusal(verdict.status)
  }
  const [event] = verdict.events
  if (hook.inline && event) return answerOpen(hook, hook.inline, verdict, event, outgoingOf(c), deps)
  return keepAll(hook, verdict, deps).then(
    () => verdict.ack,
    (error: unknown) => notKept(hook, error, deps),
  )
}

type Events = Extract<Verdict, { kind: 'events' }>

const keepAll = async (hook: Hook, { events, reports }: Events, deps: HttpDeps): Promise<ReadonlySet<string>> => {
  const fresh = await deps.keep(hook, events)
  if (reports && reports.length > 0) await deps.reported(hook.platform, reports)
  return fresh
}

const notKept = (hook: Hook, error: unknown, { log }: HttpDeps): HttpAnswer => {
  log.warn({ platform: hook.platform, error: String(error) }, 'not kept, the platform is asked to bring it again')
  return unavailable
}

/** The open request is the answer: it waits until there is one, until time is up, or until the caller hangs up. */
const answerOpen = async (
  hook: Hook,
  inline: NonNullable<Hook['inline']>,
  verdict: Events,
  event: InboundEvent,
  outgoing: ServerResponse,
  deps: HttpDeps,
): Promise<HttpAnswer | null> => {
  // The place is taken before the event is kept: its answer may be there in the same turn.
  const place = deps.slots.wait(event.id, verdict.waitMs ?? inline.timeoutMs)
  let given: { readonly part: Part; readonly result: InlineResult } | null = null
  // `finish` came before it: handed to the operating system. Without it the caller had hung up.
  const closed = (): void => {
    if (!given) place.leave()
    else if (outgoing.writableFinished) deps.written(given.part, given.result)
    else deps.lost(given.part)
  }
  outgoing.once('close', closed)
  try {
    const fresh = await keepAll(hook, verdict, deps)
    if (!fresh.has(event.id)) {
      const earlier = await deps.earlier(event)
      if (earlier !== 'pending' && !deps.slots.offer(event.id, earlier?.part ?? null) && earlier?.taken)
        deps.lost(earlier.part)
    }
  } catch (error) {
    place.leave()
    const sorry = deps.sorry(event, error)
    return sorry ? inline.render({ kind: 'part', part: sorry }).answer : notKept(hook, error, deps)
  }
  const outcome = await place.outcome
  if (outcome.kind === 'gone') return null
  if (outcome.kind !== 'part') return inline.render({ kind: outcome.kind, event }).answer
  given = { part: outcome.part, result: renderPart(inline, outcome.part, deps) }
  if (outgoing.destroyed) {
    outgoing.off('close', closed)
    deps.lost(outcome.part)
  }
  return given.result.answer
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

/** How long a caller may take to send the head of a request, and the whole of it; how often that is looked at. */
export const patience = { headersTimeout: 10_000, requestTimeout: 20_000, connectionsCheckingInterval: 1_000 } as const

/** Opens one listener. Rejects when the address can't be had. Slow headers and bodies are cut off. */
export const listen = (
  app: Hono<Env>,
  host: string,
  port: number,
  onError: (error: Error) => void,
  limits: Readonly<Record<keyof typeof patience, number>> = patience,
): Promise<Listener> =>
  new Promise((resolve, reject) => {
    const server = createAdaptorServer({
      fetch: app.fetch,
      overrideGlobalObjects: false,
      serverOptions: {
        ...limits,
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

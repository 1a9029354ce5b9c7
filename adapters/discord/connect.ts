import * as v from 'valibot'
import type { AdapterDeps, Deliver, InboundEvent, Report, Stream } from '../../src/contract/index.ts'
import { StreamError } from '../../src/contract/index.ts'
import type { Api } from './client.ts'
import { DiscordError, tokenCure } from './errors.ts'
import { type Ending, type SocketClass, talk } from './gateway.ts'
import { gatewayUrl, makeStarts, remembered, type Session } from './session.ts'
import { type Frame, ready } from './wire.ts'

export interface GatewayDeps extends Pick<AdapterDeps, 'log' | 'memo' | 'now' | 'random' | 'sleep'> {
  readonly api: Api
  readonly apiBase: string
  readonly token: string
  readonly account: string
  readonly intents: number
  /** Discord says who we are: the bot's user id, and that of its application. */
  readonly known: (self: string, application?: string) => void
  /** Looks at an event the moment it is there: what has to be answered within seconds. */
  readonly glance: (event: Frame) => void
  /** The human acts in it, in order. Throws when it can't be told now. */
  readonly eventsOf: (event: Frame, signal: AbortSignal) => Promise<readonly InboundEvent[]>
  /** A connection stands: what is due then. Never throws. */
  readonly onUp: (signal: AbortSignal) => void
}

const contentCure =
  'enable "Message Content Intent" in the Developer Portal (Bot, Privileged Gateway Intents), or set ' +
  'OPENCLAW_CONNECTOR_DISCORD_MESSAGE_CONTENT=false to live by slash commands, mentions and direct messages'

/** Close codes after which trying again is of no use (facts/discord §2), with the cure. */
const fatal: Readonly<Record<number, string>> = {
  4004: `the gateway refused the token (4004); ${tokenCure}`,
  4010: 'the gateway refused the shard (4010): this is a mistake of the connector, please report it',
  4011: 'the bot is in too many servers for one connection (4011): more than 2500 are not supported',
  4012: 'the gateway does not speak version 10 any more (4012): update the connector',
  4013: 'the gateway does not know our intents (4013): update the connector',
  4014: `the gateway refused the intents (4014): ${contentCure}`,
}

/** A connection that held this long was healthy: the next one follows without a word of trouble. */
const healthyMs = 10_000
const fewMisses = 3
/** So many events may wait to be kept; behind that the line is dropped, and they come again. */
const mostWaiting = 5000

/** Brings what happens, over as many connections as it takes. The sequence moves only after the inbox holds the events. */
export function gateway(deps: GatewayDeps): Stream {
  const { account, intents, memo } = deps
  const startAt = makeStarts(deps.api, deps.apiBase, deps)
  let session: Session | null = remembered(memo.get('session'), account, intents)
  if (session?.self !== undefined) deps.known(session.self, session.application)
  /** Connections in a row that came to nothing. */
  let misses = 0

  const keep = (next: Session | null): Promise<void> => {
    session = next
    return memo.set('session', next === null ? '' : JSON.stringify(next))
  }

  const run: Stream['run'] = async (deliver, report, signal) => {
    const { WebSocket } = await import('ws')
    while (!signal.aborted) {
      const ending = await once(WebSocket, deliver, report, signal)
      if (signal.aborted) return
      misses = ending.upMs === null ? misses + 1 : 0
      const cure = fatal[ending.code ?? 0]
      if (cure !== undefined) throw stopped(report, new StreamError(cure, { fatal: true }))
      if (ending.session === 'gone') {
        await keep(null)
        deps.log.warn({ about: ending.about }, 'the gateway session is lost: what was said meanwhile is not heard')
        // Whoever comes back at once is sent away again (facts/discord §2).
        throw new StreamError(ending.about, { retryAfterMs: Math.round(1000 + deps.random() * 4000) })
      }
      if (ending.upMs === null || ending.upMs < healthyMs) throw new StreamError(ending.about)
      deps.log.info({ about: ending.about }, 'connecting to the gateway again')
      await deps.sleep(deps.random() * 1000, signal)
    }
  }

  const once = async (open: SocketClass, deliver: Deliver, report: Report, signal: AbortSignal): Promise<Ending> => {
    const resumed = session
    // The address a session came with may be gone for good, while the session lives: then by the front door.
    const own = resumed && misses < fewMisses ? gatewayUrl(resumed.url, deps.apiBase) : null
    const url = own ?? (await asked(startAt(signal), report))
    if (signal.aborted) return { code: null, about: 'stopped', session: 'kept', upMs: null }
    const stop = new AbortController()
    const keeping = keeper(deliver, signal, () => stop.abort())
    const ending = await talk(
      {
        open,
        url,
        token: deps.token,
        intents,
        resume: resumed && { id: resumed.id, seq: resumed.seq },
        now: deps.now,
        random: deps.random,
        log: (about) => deps.log.warn({ about }, 'the gateway is not understood'),
        hear: (event) => {
          try {
            const name = established(event, resumed)
            if (name !== null) {
              report('up', `connected as ${name}`)
              deps.onUp(signal)
            }
            deps.glance(event)
            keeping.add(event)
          } catch (error) {
            keeping.fail(error)
          }
        },
      },
      AbortSignal.any([signal, stop.signal]),
    )
    // What arrived is kept before the next connection asks for what comes behind it.
    await keeping.done()
    return ending
  }

  /** The bot's name when a connection has come up by this event. */
  const established = ({ t, d, s }: Frame, resumed: Session | null): string | null => {
    if (t === 'RESUMED') return resumed?.name ?? account
    if (t !== 'READY') return null
    const read = v.safeParse(ready, d)
    if (!read.success) throw new StreamError('the gateway said READY in an unknown form')
    const { session_id: id, resume_gateway_url: url, user, application } = read.output
    deps.known(user.id, application?.id)
    const own = { self: user.id, name: user.username, ...(application ? { application: application.id } : {}) }
    session = { id, url, seq: s ?? 0, intents, account, ...own }
    return user.username
  }

  /** Keeps events one after the other, beside the connection. After a failure nothing more is taken. */
  const keeper = (deliver: Deliver, signal: AbortSignal, give: () => void) => {
    const waiting: Frame[] = []
    let failure: { readonly error: unknown } | null = null
    let working: Promise<void> | null = null

    const work = async (): Promise<void> => {
      while (waiting.length > 0 && failure === null && !signal.aborted) {
        const batch = waiting.splice(0)
        const events: InboundEvent[] = []
        for (const event of batch) events.push(...(await deps.eventsOf(event, signal)))
        if (events.length > 0) await deliver(events)
        const seq = batch.findLast(({ s }) => s != null)?.s
        const isNew = batch.some(({ t }) => t === 'READY')
        if (session === null || seq == null) continue
        session = { ...session, seq }
        // Events of others (a channel was renamed) are not worth a write each; hearing them again is harmless.
        if (events.length > 0 || isNew) await keep(session)
      }
    }
    const fail = (error: unknown): void => {
      failure ??= { error }
      give()
    }
    const start = (): void => {
      working ??= work()
        .catch(fail)
        .finally(() => {
          working = null
          if (waiting.length > 0 && failure === null && !signal.aborted) start()
        })
    }
    return {
      fail,
      add: (event: Frame): void => {
        if (failure !== null) return
        waiting.push(event)
        if (waiting.length > mostWaiting) fail(new StreamError('events come faster than they can be kept'))
        else start()
      },
      done: async (): Promise<void> => {
        while (working !== null) await working
        if (signal.aborted) return
        if (failure !== null) throw failure.error
        if (session !== null) await keep(session)
      },
    }
  }

  return { kind: 'stream', run }
}

const stopped = (report: Report, error: StreamError): StreamError => {
  report('down', error.message)
  return error
}

/** A refused token is final: asking on would lock the whole address out (facts/discord §1). */
const asked = async (url: Promise<string>, report: Report): Promise<string> => {
  try {
    return await url
  } catch (error) {
    if (!(error instanceof DiscordError)) throw error
    const isToken = error.status === 401
    const about = isToken ? `${error.message}; ${tokenCure}` : error.message
    throw stopped(report, new StreamError(about, { fatal: isToken, retryAfterMs: error.retryAfterMs }))
  }
}

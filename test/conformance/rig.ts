import {
  type Adapter,
  type AdapterModule,
  type HttpAnswer,
  type InboundEvent,
  type InlineAnswer,
  type Part,
  type RawRequest,
  type Receipt,
  SendError,
  type Webhook,
} from '../../src/contract/index.ts'
import { settingsFrom, sleep, testDeps } from '../kit/deps.ts'
import type {
  Failure,
  FakePlatform,
  Person,
  Place,
  RawCall,
  RawReply,
  SayMore,
  Shown,
  Wire,
} from '../platforms/platform.ts'
import { makeBlobs, telling } from './fixtures.ts'

/** A fake may bring its own module (one that talks to the fake directly), and tell which failures it can show, and how
 *  long is right to wait where its platform asks to wait without naming a time. */
export type Start = () => Promise<
  FakePlatform & {
    readonly module?: AdapterModule
    readonly failures?: readonly Failure['kind'][]
    readonly retryAfterMs?: number
  }
>

/** Thrown by a case that the platform's own data rules out. The reason is printed. */
export class Skipped extends Error {
  override readonly name = 'Skipped'
}

export interface Heard {
  readonly event: InboundEvent | null
  readonly reply: RawReply | null
}

export interface Spoken {
  readonly part: Part
  readonly receipt: Receipt
  /** What became visible by it. */
  readonly shown: readonly Shown[]
}

export type MakePart = (event: InboundEvent) => Part

/** One adapter connected to one fake platform, as the daemon would connect them, but without a store. */
export interface Rig {
  readonly module: AdapterModule
  readonly platform: Awaited<ReturnType<Start>>
  readonly adapter: Adapter
  /** Every event that was handed over, also those whose keeping was refused. */
  readonly brought: readonly InboundEvent[]
  /** Does something at the platform and waits for the events it leads to (stream platforms: until one has come). */
  readonly hear: (act: () => Promise<RawReply | null | undefined>) => Promise<Heard>
  readonly say: (from: Person, place: Place, text: string, more?: SayMore) => Promise<Heard>
  /** Answers into a place the way this platform wants to be answered. */
  readonly speak: (place: Place, make: MakePart) => Promise<Spoken>
  /** Makes a part that a call of our own (push or one-time token) can carry. Skips where there is no such way. */
  readonly ready: (place: Place, make: MakePart) => Promise<Part>
  /** Sends a part that is ready. */
  readonly send: (part: Part, signal?: AbortSignal) => Promise<Spoken>
  /** Sends a part that is ready while the platform misbehaves; the error it ends with. Fails when it ends well. */
  readonly failing: (how: Failure, part: Part) => Promise<SendError>
  /** Waits until the events brought so far fulfil something. */
  readonly until: (holds: () => boolean) => Promise<void>
  /** A raw call to our webhook, as anybody on the internet may make one. */
  readonly call: Wire
  /** What an open request is answered with. */
  readonly answerWith: (make: (event: InboundEvent) => InlineAnswer) => void
  /** The next hand-over is refused, as with a full disk. */
  readonly refuseNext: () => void
  /** Aborts the streams; resolves with the milliseconds until the last one ended. */
  readonly stop: () => Promise<number>
  /** Stops everything. Then no log line and no error may contain a secret. */
  readonly close: () => Promise<void>
}

/** Streams that do not end are not waited for any longer. */
const STOP_MS = 1000

export async function openRig(given: AdapterModule, start: Start, hearMs = 4000): Promise<Rig> {
  const platform = await start()
  const module = platform.module ?? given
  const can = module.capabilities
  const { log, texts } = telling()
  const deps = testDeps({ log, media: makeBlobs(), sleep: (ms, signal) => sleep(Math.min(ms, 30), signal) })
  const adapter = module.create(settingsFrom(module, platform.settings), deps)
  const brought: InboundEvent[] = []
  const listeners = new Set<() => void>()
  const stopping = new AbortController()
  let refuse = false
  let answering: (event: InboundEvent) => InlineAnswer = (event) => ({ kind: 'none', event })

  const deliver = async (events: readonly InboundEvent[]): Promise<void> => {
    brought.push(...events)
    for (const listener of listeners) listener()
    if (!refuse || events.length === 0) return
    refuse = false
    throw new Error('the disk is full')
  }

  const answerOf = (ack: HttpAnswer, events: readonly InboundEvent[]): HttpAnswer => {
    const event = events.at(-1)
    return adapter.inline && event ? adapter.inline(answering(event)).answer : ack
  }

  const webhooks = adapter.intakes.filter((intake) => intake.kind === 'webhook')
  const wire: Wire = async (call) => {
    const hook = webhooks.find((candidate) => candidate.path === call.path.split('?')[0])
    const refused = refusedByHttp(hook, call)
    if (refused || !hook) return { status: refused ?? 404, headers: {}, body: '' }
    const verdict = await hook.receive(requestOf(call))
    if (verdict.kind === 'reject') {
      log.warn({ reason: verdict.reason }, 'rejected')
      return { status: verdict.status, headers: {}, body: '' }
    }
    if (verdict.kind === 'answer') return verdict.answer
    await deliver(verdict.events)
    return answerOf(verdict.ack, verdict.events)
  }
  platform.connect(wire)

  const running = adapter.intakes
    .filter((intake) => intake.kind === 'stream')
    .map(async (stream) => {
      while (!stopping.signal.aborted) {
        const ended = await stream
          .run(deliver, () => {}, stopping.signal)
          .then(
            () => true,
            (error: unknown) => {
              if (!stopping.signal.aborted) log.warn({ err: error }, 'stream stopped')
              return false
            },
          )
        if (ended) return
        await sleep(5, stopping.signal)
      }
    })

  const until = (holds: () => boolean): Promise<void> => waitFor(holds, listeners, hearMs, () => texts.join('\n'))
  const hear: Rig['hear'] = async (act) => {
    const before = brought.length
    const reply = (await act()) ?? null
    if (running.length > 0) await until(() => brought.length > before)
    return { event: brought[before] ?? null, reply }
  }
  const say: Rig['say'] = (from, place, text, more) => hear(() => platform.say(from, place, text, more))

  const ready: Rig['ready'] = async (place, make) => {
    const viaToken = can.answer.push === 'never'
    answering = (event) => ({ kind: viaToken ? 'late' : 'none', event })
    const { event } = await say(platform.people.ann, place, 'hello')
    if (!event) throw new Skipped('takes no part in this place')
    const handle = event.handle?.kind === 'token' ? event.handle : undefined
    if (viaToken && !handle) throw new Skipped('can only answer the open request')
    return { ...make(event), ...(handle && { handle }) }
  }
  const send: Rig['send'] = async (part, signal = stopping.signal) => {
    const before = platform.shown().length
    const receipt = await adapter.send(part, signal).catch((error: unknown) => {
      log.error({ err: error }, 'send failed')
      throw error
    })
    return { part, receipt, shown: platform.shown().slice(before) }
  }
  const failing: Rig['failing'] = async (how, part) => {
    if (!(platform.failures ?? [how.kind]).includes(how.kind)) throw new Skipped(`cannot happen here: ${how.kind}`)
    platform.failNext(how)
    const error = await send(part).then(
      () => null,
      (thrown: unknown) => thrown,
    )
    if (error instanceof SendError) return error
    throw new Error(`${how.kind}: ${error === null ? 'the send went well' : 'no SendError was thrown'}`, {
      cause: error,
    })
  }

  const inlineAnswer = async (place: Place, make: MakePart): Promise<Spoken> => {
    let part: Part | null = null
    answering = (event) => {
      part = make(event)
      return { kind: 'part', part }
    }
    const before = platform.shown().length
    const { event } = await say(platform.people.ann, place, 'hello')
    if (!event || !part) throw new Skipped('takes no part in this place')
    return { part, receipt: { via: 'inline' }, shown: platform.shown().slice(before) }
  }

  const stop = async (): Promise<number> => {
    const from = performance.now()
    stopping.abort()
    await Promise.race([Promise.all(running), sleep(STOP_MS)])
    return performance.now() - from
  }

  return {
    module,
    platform,
    adapter,
    brought,
    hear,
    say,
    until,
    call: wire,
    ready,
    send,
    speak: can.answer.push === 'never' ? inlineAnswer : async (place, make) => send(await ready(place, make)),
    failing,
    answerWith: (make) => {
      answering = make
    },
    refuseNext: () => {
      refuse = true
    },
    stop,
    close: async () => {
      await stop()
      await platform.close()
      const leaks = platform.secrets.filter((secret) => texts.some((text) => text.includes(secret)))
      const coded = platform.secrets.filter((secret) => texts.some((text) => text.includes(encodeURIComponent(secret))))
      if (leaks.length + coded.length > 0) throw new Error(`a secret got into the log: ${texts.join('\n')}`)
    },
  }
}

const refusedByHttp = (hook: Webhook | undefined, call: RawCall): number | null => {
  if (!hook) return 404
  if (!hook.methods.some((method) => method === call.method)) return 405
  const type = Object.entries(call.headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1]
  if (call.method === 'POST' && type !== undefined && !hook.types.includes(type.split(';', 1)[0] ?? '')) return 415
  return Buffer.byteLength(call.body) > hook.maxBytes ? 413 : null
}

const requestOf = (call: RawCall): RawRequest => {
  const headers = new Map(Object.entries(call.headers).map(([name, value]) => [name.toLowerCase(), value]))
  const [path = '', query = ''] = call.path.split('?')
  return {
    method: call.method,
    path,
    query: new URLSearchParams(query),
    header: (name) => headers.get(name.toLowerCase()) ?? null,
    body: typeof call.body === 'string' ? new TextEncoder().encode(call.body) : call.body,
  }
}

/** Resolves when the condition holds after an event came; throws after some seconds. */
const waitFor = (
  holds: () => boolean,
  listeners: Set<() => void>,
  withinMs: number,
  about: () => string,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const done = (settle: () => void): void => {
      clearTimeout(timer)
      listeners.delete(check)
      settle()
    }
    const check = (): void => (holds() ? done(resolve) : undefined)
    const timer = setTimeout(
      () => done(() => reject(new Error(`the platform spoke, but no event came\n${about()}`))),
      withinMs,
    )
    listeners.add(check)
    check()
  })

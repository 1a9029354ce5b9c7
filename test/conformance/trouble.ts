import { expect } from 'vitest'
import type { HttpAnswer, InboundEvent, InlineAnswer, MediaKind, SendCode } from '../../src/contract/index.ts'
import { sleep } from '../kit/deps.ts'
import type { Failure } from '../platforms/platform.ts'
import { artifactFor, partOf, textPart } from './fixtures.ts'
import type { Case } from './intake.ts'
import { type Rig, Skipped } from './rig.ts'

const TEXT = 'did this arrive?'
const STOP_MS = 250
const PASSING: readonly Failure['kind'][] = ['rate_limited', 'unavailable']

/** A one-time token is used up by most refusals; then that is the truth to tell. */
const codesFor = (rig: Rig, code: SendCode): readonly SendCode[] =>
  rig.module.capabilities.answer.push === 'never' ? [code, 'handle_gone'] : [code]

const failing = (
  how: Failure,
  code: SendCode,
  told: { readonly arrived: boolean; readonly retryAfterMs?: number },
): Case => ({
  name: `${how.kind} is reported as ${code}, and whether it arrived truthfully`,
  run: async (rig) => {
    const part = await rig.ready(rig.platform.places.dm, (event) => textPart(event, TEXT))
    const before = rig.platform.shown().length
    const error = await rig.failing(how, part)
    expect(codesFor(rig, code)).toContain(error.code)
    // Behind a 5xx nobody can know, so `maybe` is no lie there; `no` would be one for what has arrived.
    const truths = told.arrived ? ['maybe'] : how.kind === 'unavailable' ? ['no', 'maybe'] : ['no']
    expect(truths).toContain(error.delivered)
    if (told.retryAfterMs) expect(error.retryAfterMs).toBe(rig.platform.retryAfterMs ?? told.retryAfterMs)
    const arrived = rig.platform.shown().slice(before)
    expect(arrived.map((message) => message.text)).toEqual(told.arrived ? [TEXT] : [])
    if (!PASSING.includes(how.kind) || rig.module.capabilities.answer.push === 'never') return
    // The trouble is over: the same part goes out.
    expect((await rig.send(part)).shown.map((message) => message.text)).toEqual([TEXT])
  },
})

const mayPush = (rig: Rig): boolean =>
  rig.module.capabilities.answer.push !== 'never' && (rig.adapter.pushes?.() ?? true)

const inlineCase = (name: string, run: Case['run']): Case => ({
  name,
  needs: (rig) => (rig.adapter.inline ? null : 'answers are calls of our own'),
  run,
})

const ask = async (rig: Rig, make: (event: InboundEvent) => InlineAnswer): Promise<InboundEvent> => {
  rig.answerWith(make)
  const { event, reply } = await rig.say(rig.platform.people.ann, rig.platform.places.dm, 'draw a fox')
  expect(reply?.status).toBe(200)
  if (!event) throw new Error('no event came')
  return event
}

export const troubleCases: readonly Case[] = [
  failing({ kind: 'rate_limited', retryAfterMs: 2000 }, 'rate_limited', { arrived: false, retryAfterMs: 2000 }),
  failing({ kind: 'unavailable' }, 'unavailable', { arrived: false }),
  failing({ kind: 'answer_lost' }, 'unavailable', { arrived: true }),
  failing({ kind: 'auth' }, 'auth', { arrived: false }),
  failing({ kind: 'target_gone' }, 'target_gone', { arrived: false }),
  {
    name: 'a refused file is reported as media_rejected, so that the next way is tried',
    run: async (rig) => {
      const kinds = Object.entries(rig.module.capabilities.media) as [MediaKind, readonly never[]][]
      const [kind, rungs] = kinds.find(([, rungs]) => rungs.length > 0) ?? []
      const rung = kind && rig.module.capabilities.media[kind][0]
      if (!kind || !rung || !rungs) throw new Skipped('takes no files')
      const part = await rig.ready(rig.platform.places.dm, (event) =>
        partOf(event, [{ kind: 'media', media: artifactFor(kind, rung, 2), as: rung.as }]),
      )
      const error = await rig.failing({ kind: 'media_rejected' }, part)
      expect(codesFor(rig, 'media_rejected')).toContain(error.code)
      expect(error.delivered).toBe('no')
    },
  },
  {
    name: 'aborting a send that hangs ends it at once',
    run: async (rig) => {
      const part = await rig.ready(rig.platform.places.dm, (event) => textPart(event, TEXT))
      if (!(rig.platform.failures ?? ['hang']).includes('hang')) throw new Skipped('cannot happen here')
      const abort = new AbortController()
      const callsBefore = rig.platform.calls().length
      rig.platform.failNext({ kind: 'hang' })
      const ended = rig.send(part, abort.signal).then(
        () => 'sent',
        () => 'ended',
      )
      await expect.poll(() => rig.platform.calls().length, { interval: 5, timeout: 2000 }).toBeGreaterThan(callsBefore)
      const abortedAt = performance.now()
      abort.abort()
      expect(await Promise.race([ended, sleep(1000).then(() => 'still hanging')])).toBe('ended')
      expect(performance.now() - abortedAt).toBeLessThan(STOP_MS)
    },
  },
  {
    name: 'a send whose signal is already aborted sends nothing',
    run: async (rig) => {
      const part = await rig.ready(rig.platform.places.dm, (event) => textPart(event, TEXT))
      const before = rig.platform.shown().length
      await expect(rig.send(part, AbortSignal.abort())).rejects.toThrow()
      expect(rig.platform.shown()).toHaveLength(before)
    },
  },
  {
    name: 'the same part sent twice is shown once',
    needs: (rig) => (rig.module.capabilities.resend === 'deduplicated' ? null : 'the platform knows no keys'),
    run: async (rig) => {
      const part = await rig.ready(rig.platform.places.dm, (event) => textPart(event, TEXT))
      const before = rig.platform.shown().length
      await rig.send(part)
      await rig.send(part)
      expect(rig.platform.shown().slice(before)).toHaveLength(1)
    },
  },
  {
    name: 'a part that may have arrived before says so, however long it is',
    needs: (rig) => (rig.module.capabilities.resend === 'marked' ? null : 'the platform drops repeats itself'),
    run: async (rig) => {
      const long = 'x'.repeat(rig.module.capabilities.text.max)
      for (const text of ['short', long]) {
        const { shown } = await rig.speak(rig.platform.places.dm, (event) => textPart(event, text, { repeated: true }))
        const seen = shown.map((message) => message.text).join('\n')
        expect(seen).toContain('<maybe_repeated>')
        expect(seen).toContain(text.slice(0, 100))
      }
    },
  },
  inlineCase('an open request is answered with the part', async (rig) => {
    const before = rig.platform.shown().length
    await ask(rig, (event) => ({ kind: 'part', part: textPart(event, 'done') }))
    expect(rig.platform.shown().slice(before)).toMatchObject([{ text: 'done', place: rig.platform.places.dm }])
  }),
  inlineCase('an answer that is not ready in time is promised, and the token brings it later', async (rig) => {
    if (mayPush(rig)) throw new Skipped('it is pushed when it is there')
    const before = rig.platform.shown().length
    let kept = false
    const event = await ask(rig, (asked) => {
      kept = rig.adapter.inline?.({ kind: 'late', event: asked }).tokenKept ?? false
      return { kind: 'late', event: asked }
    })
    expect(rig.platform.shown().slice(before)).toMatchObject([{ place: rig.platform.places.dm }])
    expect(kept).toBe(event.handle?.kind === 'token')
    if (!event.handle) throw new Skipped('no one-time token came')
    const part = textPart(event, 'done at last', { handle: event.handle })
    const { shown, receipt } = await rig.send(part)
    expect(shown).toMatchObject([{ text: 'done at last', place: rig.platform.places.dm }])
    expect(receipt.via).toBe('token')
    await expect(rig.send(part)).rejects.toMatchObject({ code: 'handle_gone', delivered: 'no' })
  }),
  inlineCase('an answer that is not ready in time closes the request, and is pushed later', async (rig) => {
    if (!mayPush(rig)) throw new Skipped('nothing can be pushed')
    const event = await ask(rig, (asked) => ({ kind: 'late', event: asked }))
    const { shown, receipt } = await rig.send(textPart(event, 'done at last'))
    expect(shown).toMatchObject([{ text: 'done at last', place: rig.platform.places.dm }])
    expect(receipt.via).toBe('push')
  }),
  inlineCase('a request without an answer is closed with a valid one', async (rig) => {
    await ask(rig, (event) => ({ kind: 'none', event }))
  }),
  inlineCase('without a token nothing can be promised, and nothing is pushed where that is impossible', async (rig) => {
    const bare: { answer: HttpAnswer | null; kept: boolean } = { answer: null, kept: true }
    const event = await ask(rig, (asked) => {
      const { handle: _, ...rest } = asked
      const result = rig.adapter.inline?.({ kind: 'late', event: rest })
      bare.answer = result?.answer ?? null
      bare.kept = result?.tokenKept ?? true
      return { kind: 'late', event: rest }
    })
    expect(bare.answer?.status).toBe(200)
    expect(bare.kept).toBe(false)
    if (mayPush(rig)) return
    const { handle: _, ...part } = textPart(event, 'too late')
    await expect(rig.send(part)).rejects.toMatchObject({ delivered: 'no' })
  }),
  {
    name: 'a look at the setup names what it looked at',
    run: async (rig) => {
      const probes = await rig.adapter.probe(AbortSignal.timeout(5000))
      expect(probes.length).toBeGreaterThan(0)
      expect(probes.filter((probe) => probe.name === '' || probe.about === '')).toEqual([])
      for (const secret of rig.platform.secrets) expect(JSON.stringify(probes)).not.toContain(secret)
    },
  },
]

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cut } from '../../adapters/kakao/encode.ts'
import kakao from '../../adapters/kakao/index.ts'
import type { InlineAnswer, PartButton, PartItem } from '../../src/contract/index.ts'
import { text as textItem } from '../kit/adapter.ts'
import { readSkillResponse } from '../platforms/kakao-rules.ts'
import { makeKakao, makePart, pictureItem, receiveEvent, skillRequest, tokenHandle } from './kakao-kit.ts'

const nowMs = 1_000_000
const link = (blob: string): string => `https://connector.example/media/${blob}.png`
const living = tokenHandle('https://bot-api.kakao.com/v1/callback/1', nowMs + 1)
const expired = tokenHandle('https://bot-api.kakao.com/v1/callback/1', nowMs)
const button = (label: string, say: string): PartButton => ({ label, say, action: `act-${say}` })

const answerTo = (answer: InlineAnswer, links: (blob: string) => string | null = link) => {
  const one = makeKakao(undefined, { now: () => nowMs, media: { link: links, open: async () => new Blob([]) } })
  const { answer: http, tokenKept } = one.inline(answer)
  expect(http.status).toBe(200)
  expect(http.headers['content-type']).toBe('application/json; charset=utf-8')
  const handle = answer.kind === 'part' ? answer.part.handle : answer.event.handle
  return {
    body: JSON.parse(http.body),
    reading: readSkillResponse(http.body, { promise: handle === living }),
    tokenKept,
  }
}

describe('an answer that is ready', () => {
  it('shows texts and pictures in their order and types commands by quick replies', () => {
    const part = makePart([pictureItem('fox.png'), textItem('done')], { buttons: [button('Again', '/run fox')] })
    const { body, reading, tokenKept } = answerTo({ kind: 'part', part })
    expect(reading.kind).toBe('shown')
    expect(tokenKept).toBe(false)
    expect(body).toEqual({
      version: '2.0',
      template: {
        outputs: [
          { simpleImage: { imageUrl: 'https://connector.example/media/b1.png', altText: 'fox.png' } },
          { simpleText: { text: 'done' } },
        ],
        quickReplies: [{ label: 'Again', action: 'message', messageText: '/run fox' }],
      },
    })
  })

  it('names a picture that has no public link', () => {
    const { body } = answerTo({ kind: 'part', part: makePart([pictureItem('fox.png')]) }, () => null)
    expect(body.template.outputs).toEqual([{ simpleText: { text: 'fox.png' } }])
  })

  it('shortens labels to 14 units without splitting a surrogate pair', () => {
    const part = makePart([textItem('a')], { buttons: [button('🎨'.repeat(9), '/a'), button(' ', '/help')] })
    const replies = answerTo({ kind: 'part', part }).body.template.quickReplies
    expect(replies.map((reply: { label: string }) => reply.label)).toEqual([`${'🎨'.repeat(6)}…`, '/help'])
  })

  it('says visibly that it may have been shown before', () => {
    const shown = (...items: PartItem[]) => answerTo({ kind: 'part', part: makePart(items, { repeated: true }) })
    expect(shown(textItem('done')).body.template.outputs).toEqual([
      { simpleText: { text: '<maybe_repeated>' } },
      { simpleText: { text: 'done' } },
    ])
    const full = shown(textItem('x'.repeat(1000)), textItem('short'), pictureItem('a.png'))
    expect(full.reading.kind).toBe('shown')
    expect(full.body.template.outputs[1].simpleText.text).toBe('<maybe_repeated>\nshort')
  })

  it('drops quick replies rather than passing 30720 bytes', () => {
    const buttons = Array.from({ length: 10 }, (_, i) => button(`b${i}`, `/run ${'가'.repeat(900)}${i}`))
    const part = makePart(
      [1, 2, 3].map(() => textItem('가'.repeat(1000))),
      { buttons },
    )
    const { body, reading } = answerTo({ kind: 'part', part })
    expect(reading.kind).toBe('shown')
    expect(body.template.quickReplies.length).toBeGreaterThan(3)
    expect(body.template.quickReplies[0].messageText).toBe(buttons[0]?.say)
  })
})

describe('an answer that is not ready', () => {
  it('is promised where the request brought a callback address, keeping that address', async () => {
    const event = { ...(await receiveEvent(makeKakao(), skillRequest())), handle: living }
    const late = answerTo({ kind: 'late', event })
    expect(late.body).toEqual({ version: '2.0', useCallback: true, data: { text: '<still_working>' } })
    expect(late.tokenKept).toBe(true)
    const interim = answerTo({ kind: 'part', part: makePart([textItem('queued')], { interim: true, handle: living }) })
    expect(interim.body).toEqual({ version: '2.0', useCallback: true, data: { text: 'queued' } })
    expect(interim.tokenKept).toBe(true)
  })

  it('is fetched later by a quick reply where there is no address, or it has expired', async () => {
    const event = await receiveEvent(makeKakao(), skillRequest())
    for (const handle of [undefined, expired]) {
      const { body, tokenKept } = answerTo({ kind: 'late', event: { ...event, ...(handle ? { handle } : {}) } })
      expect(body.template).toEqual({
        outputs: [{ simpleText: { text: '<still_working>' } }],
        quickReplies: [{ label: '<fetch_later>', action: 'message', messageText: '/inbox' }],
      })
      expect(tokenKept).toBe(false)
    }
  })

  it('is a plain answer when it is the last word, even with an address', () => {
    const { body, tokenKept } = answerTo({ kind: 'part', part: makePart([textItem('done')], { handle: living }) })
    expect(body.template.outputs).toHaveLength(1)
    expect(tokenKept).toBe(false)
  })

  it('says that there is nothing to say', async () => {
    const event = await receiveEvent(makeKakao(), skillRequest())
    expect(answerTo({ kind: 'none', event }).body.template.outputs).toEqual([
      { simpleText: { text: '<nothing_to_say>' } },
    ])
  })
})

describe('any part', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 1500 }),
    fc.constantFrom('', ' ', '\u0000'.repeat(1000), '가'.repeat(1001), '🎨'.repeat(501)),
  )
  const item = fc.oneof(
    text.map(textItem),
    fc.tuple(text, fc.constantFrom('b1', 'none', 'x'.repeat(3000))).map(([name, blob]) => pictureItem(name, blob)),
  )
  const part = fc.record({
    items: fc.array(item, { maxLength: 5 }),
    buttons: fc.array(
      fc.tuple(text, text).map(([label, say]) => button(label, say)),
      { maxLength: 12 },
    ),
    repeated: fc.boolean(),
    interim: fc.boolean(),
    handle: fc.constantFrom(living, expired),
  })
  const links = (blob: string) => (blob === 'none' ? null : link(blob))

  it('makes a SkillResponse that KakaoTalk shows', () => {
    fc.assert(
      fc.property(part, ({ items, ...more }) => {
        const { reading } = answerTo({ kind: 'part', part: makePart(items, more) }, links)
        expect(reading).not.toHaveProperty('problems')
      }),
      { numRuns: 300 },
    )
  })

  it('is cut to the limit between characters only', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 2, max: 40 }), (long, max) => {
        const short = cut(long, max)
        expect(short.length).toBeLessThanOrEqual(max)
        expect(short.isWellFormed()).toBe(true)
        expect(long.startsWith(short.replace(/…$/, ''))).toBe(true)
      }),
    )
  })

  it('fits what the capabilities promise', () => {
    const { text: limit, call, buttons, media } = kakao.capabilities
    const items = Array.from({ length: call.items }, () => textItem('🎨'.repeat(limit.max / 2)))
    const full = Array.from({ length: buttons?.max ?? 0 }, (_, i) =>
      button('a'.repeat(buttons?.labelMax ?? 0), `/${i}`),
    )
    const { body } = answerTo({ kind: 'part', part: makePart(items, { buttons: full }) })
    expect(body.template.outputs.map((output: { simpleText: { text: string } }) => output.simpleText.text)).toEqual(
      items.map((one) => (one.kind === 'text' ? one.text : '')),
    )
    expect(body.template.quickReplies.map((reply: { label: string }) => reply.label)).toEqual(full.map((b) => b.label))
    expect(media.image[0]?.album).toBe(call.items)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encode, retryKey } from '../../adapters/line/encode.ts'
import type { Part, PartItem } from '../../src/contract/index.ts'
import { text as textItem } from '../kit/adapter.ts'
import { isRetryKey, messagesProblems } from '../platforms/line-rules.ts'
import { artifact, link, makePart, mediaItem } from './line-kit.ts'

const encoded = (items: readonly PartItem[], more: Partial<Part> = {}, given: (blob: string) => string | null = link) =>
  encode(makePart(items, more), new Map([['b1', 4200]]), { link: given })

const button = (label: string, action = 'a1') => ({ label, action, say: '/approve apr_1' })

describe('a file', () => {
  it('is a picture with its preview', () => {
    expect(encoded([mediaItem('image')])).toEqual([
      { type: 'image', originalContentUrl: link('b1'), previewImageUrl: link('p1') },
    ])
  })

  it('is its own preview when it is a small picture', () => {
    expect(encoded([mediaItem('image', { bytes: 900_000, preview: undefined })])).toEqual([
      { type: 'image', originalContentUrl: link('b1'), previewImageUrl: link('b1') },
    ])
  })

  it.each([
    ['a large picture without a preview', mediaItem('image', { preview: undefined })],
    ['a video without a preview', mediaItem('video', { kind: 'video', bytes: 10, preview: undefined })],
    ['a preview over 1 MB', mediaItem('image', { preview: { blob: 'p1', mime: 'image/png', bytes: 1_048_577 } })],
    ['a preview of a foreign type', mediaItem('image', { preview: { blob: 'p1', mime: 'image/webp', bytes: 10 } })],
    ['audio of unknown length', mediaItem('audio', { kind: 'audio', blob: 'b2' })],
  ])('%s is refused, so that the link is sent instead', (_, item) => {
    expect(() => encoded([item])).toThrow(expect.objectContaining({ code: 'media_rejected', delivered: 'no' }))
  })

  it.each([
    ['no link', () => null],
    ['a link without TLS', () => 'http://media.example.com/x'],
    ['a link of 2001 characters', () => `https://media.example.com/${'x'.repeat(1975)}`],
  ])('with %s is refused', (_, given) => {
    expect(() => encoded([mediaItem('link')], {}, given)).toThrow(expect.objectContaining({ code: 'media_rejected' }))
  })

  it('has a link that is percent-encoded', () => {
    const [message] = encoded([mediaItem('image')], {}, (blob) => `https://media.example.com/狐 ${blob}`)
    expect(message).toMatchObject({ originalContentUrl: 'https://media.example.com/%E7%8B%90%20b1' })
  })

  it('is a name and a link where LINE can not show it, and the name stays in its line', () => {
    const [message] = encoded([mediaItem('link', { name: 'a\nhttps://evil.example\tb' })])
    expect(message).toEqual({ type: 'text', text: `a https://evil.example b\n${link('b1')}` })
    expect(encoded([mediaItem('link', { name: ' ', kind: 'file' })])).toMatchObject([{ text: `file\n${link('b1')}` }])
  })

  it('of audio tells its length', () => {
    expect(encoded([mediaItem('audio', { kind: 'audio' })])).toEqual([
      { type: 'audio', originalContentUrl: link('b1'), duration: 4200 },
    ])
  })
})

describe('buttons', () => {
  it('hang on the last message of the call, the only one whose quick replies are shown', () => {
    const [text, image] = encoded([textItem('Which?'), mediaItem('image')], { buttons: [button('Yes')] })
    expect(text).not.toHaveProperty('quickReply')
    expect(image?.quickReply?.items).toEqual([
      { type: 'action', action: { type: 'postback', label: 'Yes', data: 'a1', displayText: 'Yes' } },
    ])
  })

  it('have labels of 20 graphemes, whatever these are made of', () => {
    const family = '👩‍👩‍👧‍👦'
    const [message] = encoded([textItem('x')], { buttons: [button(family.repeat(30))] })
    expect(messagesProblems([message])).toEqual([])
    expect(message?.quickReply?.items[0]?.action.label).toBe(family.repeat(20))
  })

  it('without a label show what they stand for', () => {
    const [message] = encoded([textItem('x')], { buttons: [button(' ')] })
    expect(message?.quickReply?.items[0]?.action.label).toBe('/approve apr_1')
  })

  it('bring back their id unchanged or are refused', () => {
    expect(() => encoded([textItem('x')], { buttons: [button('Yes', 'a'.repeat(301))] })).toThrow(
      expect.objectContaining({ code: 'rejected' }),
    )
  })
})

describe('a quote', () => {
  it('is on the first message, when that is a text', () => {
    const items = [textItem('one'), textItem('two')]
    expect(encoded(items, { replyTo: 'q1' })).toEqual([
      { type: 'text', text: 'one', quoteToken: 'q1' },
      { type: 'text', text: 'two' },
    ])
    expect(encoded([mediaItem('image')], { replyTo: 'q1' })[0]).not.toHaveProperty('quoteToken')
  })
})

describe('a call', () => {
  it('carries one to five messages', () => {
    expect(encoded(Array.from({ length: 5 }, () => textItem('x')))).toHaveLength(5)
    for (const length of [0, 6])
      expect(() => encoded(Array.from({ length }, () => textItem('x')))).toThrow(/LINE takes 1 to 5/)
  })

  it('of anything the planner may make is one that LINE takes', () => {
    const item = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 5000 }).map((text) => textItem(text.slice(0, 5000))),
      fc.constantFrom(mediaItem('image'), mediaItem('video', { kind: 'video' }), mediaItem('link', { kind: 'file' })),
      fc.string({ maxLength: 300 }).map((name) => mediaItem('link', artifact({ kind: 'file', name }))),
    )
    const press = fc.record({
      label: fc.string({ unit: 'grapheme', maxLength: 40 }),
      action: fc.string({ minLength: 1, maxLength: 300 }),
      say: fc.constant('/x'),
    })
    fc.assert(
      fc.property(
        fc.array(item, { minLength: 1, maxLength: 5 }),
        fc.array(press, { maxLength: 20 }),
        (items, buttons) => {
          expect(messagesProblems(encoded(items, { buttons }))).toEqual([])
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('the retry key', () => {
  it('is a UUID, the same for the same part and another for any other', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.string({ maxLength: 200 }), (one, other) => {
        expect(isRetryKey(retryKey(one))).toBe(true)
        expect(retryKey(one) === retryKey(other)).toBe(one === other)
      }),
    )
  })
})

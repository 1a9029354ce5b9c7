import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encode } from '../../adapters/whatsapp/encode.ts'
import { limits } from '../../adapters/whatsapp/limits.ts'
import type { Part } from '../../src/contract/index.ts'
import { buttons, file, text } from '../kit/adapter.ts'
import { readMessage, type WireMessage } from '../platforms/whatsapp-rules.ts'
import { makePart } from './whatsapp-kit.ts'

const say = (id: string) => `<${id}>`
const group = { ...makePart([]).to, chat: 'GROUPFAKE0001', kind: 'group' as const }

/** The messages of a part as WhatsApp reads them; throws where it would refuse one. */
const messagesOf = (part: Part): readonly WireMessage[] => {
  const { lead, main } = encode(part, { id: '300000000000001' }, { say })
  const to = { recipient_type: part.to.kind === 'group' ? 'group' : 'individual', to: '15550100111' }
  return [...lead, ...main].map((content) => {
    const reading = readMessage({ messaging_product: 'whatsapp', ...to, ...content })
    if (reading.kind !== 'message') throw new Error(JSON.stringify(reading))
    return reading.message
  })
}
const shapes = (part: Part) =>
  messagesOf(part).map(({ text: words, file, buttons }) => ({
    words: words.length > 40 ? words.length : words,
    file: file?.type,
    in: buttons[0] === undefined ? 'none' : buttons[0].inList ? 'list' : 'buttons',
    count: buttons.length,
  }))

describe('a text', () => {
  it('has its buttons under it, up to three, and more in a list', () => {
    const ask = (count: number) =>
      shapes(makePart([text('Which?')], { buttons: buttons(...'abcdefghij'.slice(0, count)) }))
    expect(ask(3)).toEqual([{ words: 'Which?', file: undefined, in: 'buttons', count: 3 }])
    expect(ask(4)).toEqual([{ words: 'Which?', file: undefined, in: 'list', count: 4 }])
    expect(ask(10)).toMatchObject([{ in: 'list', count: 10 }])
    expect(() => shapes(makePart([text('x')], { buttons: buttons(...'abcdefghijk') }))).toThrow(/11 buttons/)
  })

  it('too long for buttons carries a list, which takes as much as a text', () => {
    const long = (length: number) => shapes(makePart([text('x'.repeat(length))], { buttons: buttons('a', 'b') }))
    expect(long(limits.replyBody)).toMatchObject([{ words: 1024, in: 'buttons' }])
    expect(long(limits.replyBody + 1)).toMatchObject([{ words: 1025, in: 'list' }])
    expect(long(limits.text)).toMatchObject([{ words: 4096, in: 'list' }])
  })

  it('whose buttons bear the same title has a list that tells them apart', () => {
    const { main } = encode(makePart([text('Which?')], { buttons: buttons('same', 'same') }), null, { say })
    expect(JSON.stringify(main)).toContain('"description":"/say same 1"')
    expect(shapes(makePart([text('Which?')], { buttons: buttons('same', 'same') }))).toMatchObject([{ in: 'list' }])
  })

  it('in a group names the commands, because buttons are not to be had there', () => {
    const part = makePart([text('Sure?')], { to: group, buttons: buttons('yes', 'no') })
    expect(messagesOf(part).map(({ text }) => text)).toEqual(['Sure?\n\n/say yes 0\n/say no 1'])
    const full = makePart([text('x'.repeat(4096))], { to: group, buttons: buttons('yes') })
    expect(shapes(full)).toMatchObject([{ words: 4096 }, { words: '/say yes 0' }])
  })

  it('that is empty says so', () => {
    expect(messagesOf(makePart([text(' \n')])).map(({ text }) => text)).toEqual(['<empty>'])
  })
})

describe('a file', () => {
  it('carries up to three buttons itself, under its caption or its name', () => {
    const some = { buttons: buttons('again', 'larger') }
    expect(shapes(makePart([file('image', {}, 'a fox')], some))).toMatchObject([
      { words: 'a fox', file: 'image', count: 2 },
    ])
    expect(shapes(makePart([file('document')], some))).toMatchObject([{ words: 'fox.png', file: 'document', count: 2 }])
  })

  it('that can not carry them is followed by them', () => {
    const audio = makePart([file('audio', { kind: 'audio' })], { buttons: buttons('again') })
    expect(shapes(audio)).toMatchObject([
      { file: 'audio', count: 0 },
      { words: 'fox.png', count: 1 },
    ])
    const many = makePart([file('image', {}, 'a fox')], { buttons: buttons('a', 'b', 'c', 'd') })
    expect(shapes(many)).toMatchObject([
      { words: 'a fox', file: 'image' },
      { words: 'fox.png', in: 'list', count: 4 },
    ])
  })

  it('keeps its name as a document and by link only', () => {
    const named = (as: string) => messagesOf(makePart([file(as)]))[0]?.file
    expect(named('document')).toEqual({ type: 'document', id: '300000000000001', filename: 'fox.png' })
    expect(named('link')).toMatchObject({ type: 'document', filename: 'fox.png' })
    expect(named('image')).toEqual({ type: 'image', id: '300000000000001' })
  })

  it('that may have come before says so in its caption, or apart', () => {
    const repeated = (item: Parameters<typeof makePart>[0][number]) => shapes(makePart([item], { repeated: true }))
    expect(repeated(file('image', {}, 'fox'))).toMatchObject([{ words: '<maybe_repeated>\nfox' }])
    expect(repeated(file('image', {}, 'x'.repeat(1024)))).toMatchObject([
      { words: '<maybe_repeated>' },
      { words: 1024 },
    ])
    expect(repeated(file('audio', { kind: 'audio' }))).toMatchObject([{ words: '<maybe_repeated>' }, { file: 'audio' }])
  })
})

it('whatever the planner may make, WhatsApp takes all of it', () => {
  const words = (max: number) => fc.string({ unit: 'grapheme', maxLength: max }).filter((one) => one.length <= max)
  const label = fc
    .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 })
    .map((one) => `${one.trim()}x`.slice(0, 20))
  const item = fc.oneof(
    words(limits.text).map(text),
    fc
      .tuple(fc.constantFrom('image', 'video', 'document', 'link'), words(limits.caption))
      .map(([as, caption]) => file(as, {}, caption.trim() === '' ? undefined : caption)),
    fc.constant(file('audio', { kind: 'audio' })),
  )
  const parts = fc.record({
    item,
    labels: fc.array(label, { maxLength: 10 }),
    repeated: fc.boolean(),
    isGroup: fc.boolean(),
  })
  fc.assert(
    fc.property(parts, ({ item, labels, repeated, isGroup }) => {
      const part = makePart([item], { buttons: buttons(...labels), repeated, ...(isGroup ? { to: group } : {}) })
      const read = messagesOf(part)
      const said = read.map(({ text }) => text).join('\n')
      expect(said).toContain(item.kind === 'text' ? item.text.trim() : (item.caption ?? ''))
      if (repeated) expect(said).toContain('<maybe_repeated>')
      if (!isGroup) expect(read.flatMap((one) => one.buttons.map(({ title }) => title))).toEqual(labels)
      else for (const { say } of part.buttons) expect(said).toContain(say)
    }),
    { numRuns: 300 },
  )
})

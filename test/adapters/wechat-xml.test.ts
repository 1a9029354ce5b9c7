import fc from 'fast-check'
import * as fxp from 'fast-xml-parser'
import { describe, expect, it } from 'vitest'
import { type Gate, makeGate, maxBytes, openGate, proveGate } from '../../adapters/wechat/xml.ts'

const gate = openGate()
const xml = (inner: string): string => `<xml>${inner}</xml>`
const contentOf = (text: string): string | null => {
  const read = gate(text)
  return read.kind === 'fields' ? (read.fields.Content ?? null) : null
}
const cdata = (text: string): string => `<![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

describe('the XML gate', () => {
  it.each([
    ['an upper-case DOCTYPE', '<!DOCTYPE xml><xml/>'],
    ['a mixed-case doctype inside', xml('<!DocType a>')],
    ['an entity', xml('<Content>&a;</Content>')],
    ['a numbered character', xml('<Content>&#60;</Content>')],
    ['half an entity', xml('<Content>&amp</Content>')],
    ['a comment', xml('<!-- -->')],
    ['an XML declaration', `<?xml version="1.0"?>${xml('')}`],
    ['attributes', '<xml a="1"><Content>x</Content></xml>'],
    ['a namespace', xml('<a:b>x</a:b>')],
    ['mixed content in a field', xml('<Content>a<b>c</b></Content>')],
    ['a field twice', xml('<Content>a</Content><Content>b</Content>')],
    ['a root of another name', '<XML><Content>a</Content></XML>'],
    ['two roots', xml('') + xml('')],
    ['words behind the root', `${xml('<Content>a</Content>')}x`],
    ['CDATA without a place', '<![CDATA[a]]>'],
    ['CDATA without an end', '<xml><Content><![CDATA[a</Content></xml>'],
    ['tags in the wrong order', '<xml><a><b></a></b></xml>'],
    ['a root that is only text', '<xml>hello</xml>'],
    ['nothing', ''],
    ['white space', '  \n'],
    ['201 elements', xml(Array.from({ length: 200 }, (_, nth) => `<a${nth}/>`).join(''))],
    ['a name of 65 letters', xml(`<${'a'.repeat(65)}/>`)],
    ['more than the limit', xml(`<Content>${'a'.repeat(maxBytes)}</Content>`)],
  ])('refuses %s', (_, text) => {
    expect(gate(text).kind).toBe('refused')
  })

  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'])(
    'refuses an element named %s, at any depth',
    (tag) => {
      expect(gate(xml(`<${tag}>1</${tag}>`)).kind).toBe('refused')
      expect(gate(xml(`<Info><${tag}/></Info>`)).kind).toBe('refused')
      expect(Object.keys(Object.prototype)).toEqual([])
    },
  )

  it('lets people write about DOCTYPE and entities: inside CDATA it is text', () => {
    const words = '<!DOCTYPE a [<!ENTITY b "c">]> <?php &b; <__proto__>'
    expect(contentOf(xml(`<Content>${cdata(words)}</Content>`))).toBe(words)
  })

  it('takes six levels and no seventh, and repeated items deeper down', () => {
    const nested = (levels: number): string => '<a>'.repeat(levels) + '</a>'.repeat(levels)
    expect(gate(xml(nested(5))).kind).toBe('fields')
    expect(gate(xml(nested(6))).kind).toBe('refused')
    expect(gate(xml('<List><item>1</item><item>2</item></List>')).kind).toBe('fields')
  })

  it('leaves unknown fields behind, keeps numbers as text, and gives no prototype', () => {
    const read = gate(xml('<MsgId>007</MsgId><Unknown>1</Unknown><Event/>'))
    if (read.kind !== 'fields') throw new Error(read.why)
    expect({ ...read.fields }).toEqual({ MsgId: '007', Event: '' })
    expect(Object.getPrototypeOf(read.fields)).toBeNull()
  })

  it('reads every text back as it was written, in CDATA and escaped', () => {
    const words = fc.string({ unit: fc.constantFrom(...'ab <>&;]!?/[CDATA"\'你😀\n\t') }).map((text) => `x${text}x`)
    fc.assert(
      fc.property(words, (text) => {
        expect(contentOf(xml(`<Content>${cdata(text)}</Content>`))).toBe(text)
        expect(contentOf(xml(`<Content>${escaped(text)}</Content>`))).toBe(text)
      }),
    )
  })

  it('never throws, and lets nothing through that declares, instructs or is not whole', () => {
    const piece = fc.oneof(
      fc.constantFrom('<xml>', '</xml>', '<Content>', '</Content>', '<!DOCTYPE a>', '<!ENTITY a "b">', '<?a ?>', '&a;'),
      fc.constantFrom('<![CDATA[', ']]>', '<__proto__>', '</__proto__>', '<a b="c">', '<!--', '-->', '<', '>', '&'),
      fc.string(),
    )
    const outside = /<!\[CDATA\[[\s\S]*?\]\]>/g
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('')
        if (gate(text).kind === 'refused') return
        expect(text.replaceAll(outside, '')).not.toMatch(/<[!?]|&(?!amp;|lt;|gt;|quot;|apos;)|__proto__/)
        expect(text.trim()).toMatch(/^<xml\s*\/?>/)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('the proof of the gate', () => {
  it('holds for the parser that is installed', () => {
    expect(() => proveGate(makeGate(fxp))).not.toThrow()
  })

  it.each<[string, Gate]>([
    ['everything passes', () => ({ kind: 'fields', fields: {} })],
    ['nothing passes', () => ({ kind: 'refused', why: 'no' })],
    [
      'numbers are read as numbers',
      (text) => {
        const read = gate(text)
        if (read.kind === 'refused') return read
        return { kind: 'fields', fields: { ...read.fields, MsgId: String(Number(read.fields.MsgId)) } }
      },
    ],
    [
      'only DOCTYPE is refused',
      (text) =>
        /doctype/i.test(text.slice(0, 20)) ? { kind: 'refused', why: '' } : gate(text.replaceAll(/<\?.*?>/g, '')),
    ],
  ])('fails where %s', (_, broken) => {
    expect(() => proveGate(broken)).toThrow(/not safe to use/)
  })

  it('fails with a parser that coerces values or expands what it likes', () => {
    class Coercing extends fxp.XMLParser {
      constructor() {
        super({ parseTagValue: true, numberParseOptions: { leadingZeros: true, hex: true } })
      }
    }
    expect(() => proveGate(makeGate({ ...fxp, XMLParser: Coercing }))).toThrow(/does not read what is sound/)
  })
})

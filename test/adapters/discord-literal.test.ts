import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { literal } from '../../adapters/discord/literal.ts'
import { rendered } from '../platforms/discord-markdown.ts'

const pieces = [
  ...'*_~`|[]()<>@#:-\\!. \n\tab1'.split(''),
  '**',
  '__',
  '~~',
  '||',
  '```',
  '<@123>',
  '<@&123>',
  '<#1>',
  '<:fox:1>',
  '<t:1>',
  '@everyone',
  '@here',
  '[x](https://example.com)',
  'https://example.com/a_b_c?x=*1*',
  'https://example.com/a_/b',
  ':tada:',
  '# head',
  '> quote',
  '- item',
  '-# small',
  'snake_case_word',
  '🦊',
]

describe('a text made literal', () => {
  it('is shown as it was written, whatever is in it', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (words) => {
        const text = words.join('')
        // There a "<" ends the link, and no backslash can stand between.
        fc.pre(!/https?:\/\/[^\s<]+</.test(text))
        expect(rendered(literal(text))).toBe(text)
      }),
      { numRuns: 3000 },
    )
  })

  it('is at most twice as long', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'*_~`|[<\\@:#->eh \n'.split('')) }), (text) => {
        expect(literal(text).length).toBeLessThanOrEqual(2 * text.length)
      }),
    )
  })

  it('leaves code and links alone', () => {
    const text = 'see https://example.com/a_b\n```js\na_b = "*"\n```\n'
    expect(literal(text)).toBe(text)
  })

  it('leaves what formats nothing as it is, so that ids can be copied out of a message', () => {
    const text = '[Job Submitted] my_template ~5 s | width=512\nID: apr_0123456789ab\n/approve apr_0123456789ab'
    expect(literal(text)).toBe(text)
  })

  it.each(['https://example.com/a_/b', '```a_ b```'])('begins nothing that %s could end', (kept) => {
    const text = `my_word ${kept}`
    expect(rendered(literal(text))).toBe(text)
  })

  it('calls nobody behind a code block that a link runs into', () => {
    const text = 'https://example.com/a?x=*1*```*```@everyone'
    expect(rendered(literal(text))).toBe(text)
  })

  it('leaves a tag right behind a link readable', () => {
    const text = 'https://example.com/a<lora:fox:1>'
    expect(rendered(literal(text))).toBe(text)
  })

  it('without it the text would be formatted', () => {
    expect(rendered('**a** ||b|| <@1> @everyone')).toBe('{bold a} {spoiler} {mention @1} {mention @everyone}')
  })
})

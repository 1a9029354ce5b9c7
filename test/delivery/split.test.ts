import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cut, measure, type TextUnit } from '../../src/delivery/measure.ts'
import { split } from '../../src/delivery/split.ts'

const units: readonly TextUnit[] = ['utf16', 'codepoint', 'byte']
const anyUnit = fc.constantFrom(...units)
const family = '👨‍👩‍👧‍👦'
const piecesOfText = fc.constantFrom(
  'a',
  'word',
  'Sentence end. ',
  ' ',
  '\n',
  '\n\n',
  '\r\n',
  '漢字。',
  '🦊',
  family,
  '🇩🇪',
  'e\u0301',
  ' \u0301',
  '각',
  'नि',
  '\ud83e',
  '\t',
)
const prose = fc.array(piecesOfText, { maxLength: 120 }).map((all) => all.join(''))
const fenced = fc
  .array(
    fc.oneof(piecesOfText, fc.constantFrom('\n```\n', '\n```§\n', '\n````\n', '   ```\n', '`', 'let a = 1\n  b()\n')),
    {
      maxLength: 120,
    },
  )
  .map((all) => all.join(''))

const withoutSpace = (text: string): string => text.replace(/\s+/g, '')
const clusters = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** Finds each piece again in the text, allowing only whitespace between two of them. */
function places(text: string, pieces: readonly string[]): { start: number; end: number }[] {
  let at = 0
  return pieces.map((piece) => {
    while (!text.startsWith(piece, at) && /\s/.test(text.charAt(at))) at++
    expect(text.startsWith(piece, at)).toBe(true)
    const start = at
    at += piece.length
    return { start, end: at }
  })
}

describe('split', () => {
  test('never exceeds the limit in any unit', () => {
    fc.assert(
      fc.property(
        fc.oneof(prose, fenced, fc.string({ unit: 'binary' })),
        fc.integer({ min: 4, max: 60 }),
        anyUnit,
        (text, max, unit) => {
          for (const piece of split(text, { max, unit })) expect(measure(piece, unit)).toBeLessThanOrEqual(max)
        },
      ),
      { numRuns: 600 },
    )
  })

  test('loses nothing but whitespace at the cuts, and gives no blank piece', () => {
    fc.assert(
      fc.property(
        fc.oneof(prose, fc.string({ unit: 'grapheme', maxLength: 200 })),
        fc.integer({ min: 4, max: 60 }),
        anyUnit,
        (text, max, unit) => {
          fc.pre(!text.includes('```'))
          const pieces = split(text, { max, unit })
          places(text, pieces)
          expect(withoutSpace(pieces.join(''))).toBe(withoutSpace(text))
          for (const piece of pieces) expect(piece.trim()).not.toBe('')
        },
      ),
      { numRuns: 600 },
    )
  })

  test('keeps every character of fenced text, adding only fence lines', () => {
    const plain = (text: string): string => text.replace(/[\s`§]+/g, '')
    fc.assert(
      fc.property(fenced, fc.integer({ min: 4, max: 80 }), anyUnit, (text, max, unit) => {
        expect(plain(split(text, { max, unit }).join('\n'))).toBe(plain(text))
      }),
      { numRuns: 600 },
    )
  })

  test('never cuts through a surrogate pair or a grapheme cluster that fits', () => {
    fc.assert(
      fc.property(prose, fc.integer({ min: 30, max: 80 }), anyUnit, (text, max, unit) => {
        const starts = new Set([...clusters.segment(text)].map(({ index }) => index))
        const isSpace = (at: number): boolean => /\s/.test(text.charAt(at))
        for (const { start, end } of places(text, split(text, { max, unit }))) {
          expect(starts.has(start)).toBe(true)
          expect(end === text.length || starts.has(end) || isSpace(end)).toBe(true)
        }
      }),
      { numRuns: 600 },
    )
  })

  test('cuts a single cluster over the limit between code points', () => {
    const pieces = split(family.repeat(2), { max: 8, unit: 'byte' })
    expect(pieces.join('')).toBe(family.repeat(2))
    for (const piece of pieces) expect(piece.isWellFormed()).toBe(true)
  })

  test('returns a text that fits untouched, and nothing for a blank one', () => {
    expect(split(' a\n', { max: 4, unit: 'utf16' })).toEqual([' a\n'])
    expect(split('', { max: 4, unit: 'utf16' })).toEqual([])
    expect(split(' \n '.repeat(9), { max: 4, unit: 'utf16' })).toEqual([])
  })

  test('refuses a limit that has no room for every character', () => {
    expect(() => split('a', { max: 3, unit: 'byte' })).toThrow(RangeError)
  })

  test.each([
    ['paragraph', 'One two. Three\nfour.\n\nFive six seven', 30, ['One two. Three\nfour.', 'Five six seven']],
    ['line', 'One two. Three four\nfive six. seven eight', 30, ['One two. Three four', 'five six. seven eight']],
    ['sentence', 'One two three. Four five six seven', 24, ['One two three.', 'Four five six seven']],
    ['ideographic sentence', '天地玄黄宇宙。洪荒日月盈昃', 10, ['天地玄黄宇宙。', '洪荒日月盈昃']],
    ['word', 'alpha beta gamma delta', 14, ['alpha beta', 'gamma delta']],
    ['cluster', `xxx${'🇩🇪'.repeat(3)}`, 8, ['xxx🇩🇪', '🇩🇪🇩🇪']],
  ])('prefers the %s boundary', (_, text, max, pieces) => {
    expect(split(text, { max, unit: 'utf16' })).toEqual(pieces)
  })

  test('takes a weaker boundary when the stronger one leaves too little', () => {
    expect(split('Hi\n\none two three four five six', { max: 24, unit: 'utf16' })).toEqual([
      'Hi\n\none two three four',
      'five six',
    ])
  })
})

describe('split with code fences', () => {
  const code = '```ts\nconst a = 1\nconst b = 2\n```'

  test('keeps a fence whole that fits into one piece', () => {
    const pieces = split(`Some words before it.\n${code}\nand after it`, { max: 40, unit: 'utf16' })
    expect(pieces).toEqual(['Some words before it.', code, 'and after it'])
  })

  test('does not cut inside a fence that is whole within the piece', () => {
    const pieces = split(`${code}\nafter it there is one more`, { max: 48, unit: 'utf16' })
    expect(pieces[0]).toContain(code)
  })

  test('closes a longer fence at the cut and opens it again with its language', () => {
    const pieces = split('```ts\nlet a = 1\n  let b = 2\nlet c = 3\n```\ndone', { max: 32, unit: 'utf16' })
    expect(pieces).toEqual(['```ts\nlet a = 1\n  let b = 2\n```', '```ts\nlet c = 3\n```\ndone'])
  })

  test('keeps the indentation of the line behind a cut in code', () => {
    const pieces = split('```\naaaaaaaaaaaa\n    bbbbbbbbbbbb\n    cccccccccccc\n```', { max: 32, unit: 'utf16' })
    expect(pieces[1]).toBe('```\n    bbbbbbbbbbbb\n```')
  })

  test('cuts a line of code that is longer than a message', () => {
    const pieces = split(`\`\`\`\n${'x'.repeat(50)}\n\`\`\``, { max: 30, unit: 'utf16' })
    expect(pieces.map((piece) => /^```\nx+\n```$/.test(piece))).toEqual([true, true, true])
  })

  test('leaves every piece with balanced fences', () => {
    const line = fc.constantFrom('a', 'let b = 2', '', '  indented', 'x'.repeat(70))
    const block = fc.array(line, { maxLength: 12 }).map((lines) => `\`\`\`js\n${lines.join('\n')}\n\`\`\``)
    const paragraph = fc.constantFrom('Some words.', 'word '.repeat(20), '漢字'.repeat(30))
    fc.assert(
      fc.property(
        fc.array(fc.oneof(block, paragraph), { maxLength: 8 }),
        fc.integer({ min: 30, max: 90 }),
        (all, max) => {
          for (const piece of split(all.join('\n'), { max, unit: 'utf16' }))
            expect((piece.match(/^```/gm) ?? []).length % 2).toBe(0)
        },
      ),
      { numRuns: 400 },
    )
  })
})

describe('split in bounded time', () => {
  const long = 400_000
  test.each([
    ['no boundary', 'x'.repeat(long)],
    ['only whitespace between', `a${' '.repeat(long)}b`],
    ['one endless cluster', `a${'\u0301'.repeat(long)}`],
    ['a boundary right behind each cut', `a ${'x'.repeat(199)} `.repeat(long / 200)],
    ['many small fences', '```\na\n```\nb\n'.repeat(long / 12)],
    ['one long fence', `\`\`\`\n${'let a = 1\n'.repeat(long / 10)}\`\`\``],
    ['one fence line without end', `\`\`\`\n${'x'.repeat(long)}`],
    ['backticks only', '`'.repeat(long)],
    ['fences that are no fences', `${'```a`b\n'.repeat(long / 7)}`],
  ])('%s', (_, text) => {
    const startedMs = performance.now()
    for (const unit of units) expect(split(text, { max: 200, unit }).length).toBeGreaterThan(0)
    // Machines differ by far more than this allows; anything quadratic takes minutes.
    expect(performance.now() - startedMs).toBeLessThan(20_000)
  })
})

describe('cut', () => {
  test('stays inside the limit, marks what it shortened, and keeps clusters whole', () => {
    fc.assert(
      fc.property(prose, fc.integer({ min: 0, max: 40 }), anyUnit, (text, max, unit) => {
        const short = cut(text, { max, unit })
        expect(measure(short, unit)).toBeLessThanOrEqual(max)
        if (measure(text, unit) <= max) expect(short).toBe(text)
        else if (short.endsWith('…')) expect(text.startsWith(short.slice(0, -1))).toBe(true)
        else expect(text.startsWith(short)).toBe(true)
      }),
    )
  })

  test('ends in the mark', () => {
    expect(cut('alpha beta', { max: 7, unit: 'utf16' })).toBe('alpha…')
    expect(cut(`ab${family}`, { max: 8, unit: 'utf16' })).toBe('ab…')
  })
})

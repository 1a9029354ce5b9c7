import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse, print } from '../../src/router/parse.ts'

const argsOf = (rest: string): readonly string[] | string => {
  const parsed = parse(`/run ${rest}`)
  return parsed.ok ? parsed.line.args : parsed.why
}

describe('arguments', () => {
  it.each([
    ['portrait a red fox', ['portrait', 'a', 'red', 'fox']],
    ['a\u00a0b\u3000c\nd\te', ['a', 'b', 'c', 'd', 'e']],
    ['"a red fox" x', ['a red fox', 'x']],
    ['k="a b" c', ['k=a b', 'c']],
    ['k=“a red fox”', ['k=a red fox']],
    ['k=”a b”', ['k=a b']],
    ['„a b“ ＂c d＂', ['a b', 'c d']],
    ['p="a sign “OPEN NOW” above"', ['p=a sign “OPEN NOW” above']],
    ['“say "hi" now”', ['say "hi" now']],
    ['"a b”', ['a b']],
    ['“a b"', ['a b']],
    ["it's #1", ["it's", '#1']],
    ['"" k=""', ['', 'k=']],
    ['a"b c"d', ['ab cd']],
    ['a\\ b \\"x', ['a b', '"x']],
    ['\\(blonde\\)', ['(blonde)']],
    ['"1girl \\(blonde\\)"', ['1girl \\(blonde\\)']],
    ['"C:\\new\\x"', ['C:\\new\\x']],
    ['"a \\"b\\" \\\\ c"', ['a "b" \\ c']],
    ['ÄB 狐狸 🦊', ['ÄB', '狐狸', '🦊']],
  ])('%s', (rest, args) => {
    expect(argsOf(rest)).toEqual(args)
  })

  it.each(['"a b', 'a "', 'a \\', '"a\\"', '“a'])('of %j do not come out even', (rest) => {
    expect(argsOf(rest)).toBe('unbalanced')
  })
})

describe('the command word', () => {
  it.each([
    ['/RUN x', '/run', null],
    ['／ｒｕｎ x', '/run', null],
    ['  \n/run x', '/run', null],
    ['Status', 'status', null],
    ['/run@OurBot x', '/run', 'ourbot'],
    ['@OurBot /run x', '/run', 'ourbot'],
    ['@ourbot ／run@other x', '/run', 'other'],
    ['@ann hello', '@ann', null],
    ['mail@example.org', 'mail@example.org', null],
    ['"/run" x', '/run', null],
  ])('of %j', (text, word, named) => {
    expect(parse(text)).toMatchObject({ ok: true, line: { word }, named })
  })

  it('is also known when the rest does not come out even', () => {
    expect(parse('@Bot /Run "a')).toEqual({ ok: false, why: 'unbalanced', word: '/run', named: 'bot' })
  })

  it.each(['', '   ', '\n\t\u3000'])('is missing in %j', (text) => {
    expect(parse(text)).toEqual({ ok: false, why: 'empty' })
  })
})

describe('the rest', () => {
  it.each([
    ['/chat  what\'s "this"?  ', 'what\'s "this"?'],
    ['@bot /chat\nline one\nline two', 'line one\nline two'],
    ['/chat', ''],
    ['"/chat" a', 'a'],
  ])('of %j is what was typed', (text, rest) => {
    expect(parse(text)).toMatchObject({ ok: true, line: { rest } })
  })
})

describe('printing', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom('"', '\\', '“', '”', ' ', '\n', 'a', '=', "'", '(', '/', '@')).map((c) => c.join('')),
  )

  it('is undone by parsing', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\/?[a-z]+$/), fc.array(texts), (word, args) => {
        expect(parse(print(word, args))).toMatchObject({ ok: true, line: { word, args }, named: null })
      }),
      { numRuns: 1000 },
    )
  })

  it('of what was parsed means the same', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const parsed = parse(`/x ${text}`)
        if (!parsed.ok) return
        expect(parse(print(parsed.line.word, parsed.line.args))).toMatchObject({ line: { args: parsed.line.args } })
      }),
      { numRuns: 1000 },
    )
  })

  it('quotes only what needs it', () => {
    expect(print('/run', ['portrait', "it's", 'k=a b', ''])).toBe('/run portrait it\'s "k=a b" ""')
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { firstLine, safeLine } from '../../src/backend/wire-text.ts'

describe('texts of the backend that are shown', () => {
  it.each([
    ['plain words, 1/2 and/or 3', 'plain words, 1/2 and/or 3'],
    ["No such file: '/home/me/models/sdxl v1.safetensors'", "No such file: 'sdxl v1.safetensors'"],
    ['cannot open /comfy/custom_nodes/x/__init__.py:45', 'cannot open __init__.py:45'],
    ['C:\\Users\\Jane Doe\\comfy\\a.ckpt is missing', 'a.ckpt is missing'],
    ["[Errno 2] 'C:\\\\Users\\\\Jane\\\\a.ckpt'", "[Errno 2] 'a.ckpt'"],
    ['d:/models/vae/b.pt failed', 'b.pt failed'],
    ['\\\\nas\\share\\jane\\c.png', 'c.png'],
    ['see ~/comfy and /root', 'see … and …'],
    ['<urlopen error http://10.0.0.7:11434/v1/chat>', '<urlopen error …>'],
    ['file:///home/jane/x.py', '…'],
    ['Incorrect API key provided: sk-abcDEF123456', 'Incorrect API key provided: …'],
    ['Authorization: Bearer abc.def', 'Authorization: …'],
    ['画像/動画 を作れません', '画像/動画 を作れません'],
    ['a\tb\u0000c\r\nd', 'a b c d'],
  ])('%s', (text, expected) => {
    expect(safeLine(text, 200)).toBe(expected)
  })

  it('take the first line that says something', () => {
    expect(firstLine('\n  \r\n  one  \ntwo', 200)).toBe('one')
    expect(firstLine('', 200)).toBe('')
  })

  it('are bounded, without cutting a character in two', () => {
    expect(safeLine('😀'.repeat(500), 10)).toBe(`${'😀'.repeat(9)}…`)
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), fc.integer({ min: 2, max: 50 }), (text, max) => {
        const line = safeLine(text, max)
        expect(Array.from(line).length).toBeLessThanOrEqual(max)
        expect(line).not.toMatch(/[\r\n]/)
      }),
    )
  })

  it('never hold a folder of an absolute path, wherever it stands', () => {
    const folder = fc.stringMatching(/^[a-z]{3,8}$/).map((name) => `Q${name}`)
    const name = fc.constantFrom('x.py', 'model.safetensors', 'noext')
    const around = fc.constantFrom('', ' ', '(', '[', '=', ': ', ',', '>', '- ')
    const start = fc.constantFrom(
      ['/', '/'],
      ['C:\\', '\\'],
      ['c:/', '/'],
      ['~/', '/'],
      ['\\\\srv\\', '\\'],
      ['file:///', '/'],
    )
    fc.assert(
      fc.property(
        fc.array(folder, { minLength: 1, maxLength: 5 }),
        name,
        around,
        start,
        (folders, last, before, [root, slash]) => {
          const line = safeLine(
            `error${before === '' ? ' ' : before}${root}${[...folders, last].join(slash)} happened`,
            300,
          )
          for (const one of folders) expect(line).not.toContain(one)
          expect(line).toContain('happened')
        },
      ),
    )
  })

  it('take linear time on hostile texts', () => {
    const started = performance.now()
    for (const unit of ['/', '\\', 'C:\\', "'/", 'a:', '~/ ', '//:']) safeLine(unit.repeat(20_000), 200)
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { draw } from '../../adapters/console/picture.ts'
import { decodePng } from '../../adapters/console/png.ts'
import { safeName, saveCopy } from '../../adapters/console/save.ts'
import { drawingOf } from '../../adapters/console/terminal.ts'
import { makePng, openChat, type PngParts, partOf, STEP } from './console-kit.ts'

const signal = new AbortController().signal
const red: PngParts = {
  width: 2,
  height: 2,
  colour: 2,
  rows: [
    [255, 0, 0, 255, 0, 0],
    [0, 0, 255, 0, 0, 255],
  ],
  filters: [],
}

describe('saved files', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'console-save-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('hold the same bytes, under their own name or the next free one', async () => {
    const into = join(folder, 'new', 'deep')
    const paths = []
    for (const text of ['one', 'two', 'three'])
      paths.push(await saveCopy(into, 'fox_00001_.png', new Blob([text]), signal))
    expect(paths).toEqual(['fox_00001_.png', 'fox_00001_-2.png', 'fox_00001_-3.png'].map((name) => join(into, name)))
    expect(await readFile(paths[1] ?? '', 'utf8')).toBe('two')
  })

  it('get names that stay inside the folder, whatever is asked', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('../../x', '/etc/passwd', '..', 'C:\\a\\b.png')),
        (name) => {
          const safe = safeName(name)
          expect(safe).not.toMatch(/[/\\\p{Cc}]|^[.-]|^$/u)
          expect(Buffer.byteLength(`${safe}-999`)).toBeLessThan(256)
        },
      ),
    )
    expect(safeName('../../.ssh/authorized keys.PNG')).toBe('authorized keys.PNG')
    expect(safeName('...')).toBe('file')
  })

  it('that cannot be written are told as refused, so that the answer goes another way', async () => {
    const blocked = join(folder, 'a-file')
    await writeFile(blocked, '')
    await expect(saveCopy(blocked, 'x.png', new Blob(['x']), signal)).rejects.toMatchObject({ code: 'media_rejected' })
  })

  it('leave no half behind when they are stopped', async () => {
    const into = join(folder, 'half')
    await mkdir(into)
    await expect(saveCopy(into, 'x.png', new Blob(['x']), AbortSignal.abort())).rejects.toMatchObject({
      code: 'unavailable',
    })
    expect(await readdir(into)).toEqual([])
  })

  it('are named by their full path, and an edit never prints over it', async () => {
    await using chat = await openChat({}, { media: { open: async () => new Blob(['PIXELS']), link: () => null } })
    const media = { kind: 'image', blob: 'b', name: 'fox.png', mime: 'image/png', bytes: 6 } as const
    const part = partOf([{ kind: 'media', media, as: 'file', caption: 'a fox, step 1' }])
    const { message = '' } = await chat.adapter.send(part, signal)
    await chat.edit(message, 'a wolf')
    const folderOf = chat.fake.settings.MEDIA_DIR ?? ''
    expect(chat.fake.read()).toBe(
      `  saved: ${join(folderOf, 'fox.png')} (image/png, 6 bytes)\n  a fox, step 1\n\n  a wolf\n\n> `,
    )
    expect(await readFile(join(folderOf, 'fox.png'), 'utf8')).toBe('PIXELS')
  })

  it('that are gone from the store are told as refused', async () => {
    const open = () => Promise.reject(new Error('ENOENT'))
    await using chat = await openChat({}, { media: { open, link: () => null } })
    const media = { kind: 'image', blob: 'b', name: 'fox.png', mime: 'image/png', bytes: 6 } as const
    const sending = chat.adapter.send(partOf([{ kind: 'media', media, as: 'file' }]), signal)
    await expect(sending).rejects.toMatchObject({ code: 'media_rejected' })
  })
})

describe('reading PNGs', () => {
  const anyPng = fc
    .record({
      width: fc.integer({ min: 1, max: 6 }),
      height: fc.integer({ min: 1, max: 6 }),
      colour: fc.constantFrom(0, 2, 4, 6),
    })
    .chain(({ width, height, colour }) => {
      const row = fc.array(fc.integer({ min: 0, max: 255 }), {
        minLength: width * STEP[colour],
        maxLength: width * STEP[colour],
      })
      return fc.record({
        width: fc.constant(width),
        height: fc.constant(height),
        colour: fc.constant(colour),
        rows: fc.array(row, { minLength: height, maxLength: height }),
        filters: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: height, maxLength: height }),
      })
    })

  it('gives back every pixel, whatever the filters and the kind of colour', async () => {
    await fc.assert(
      fc.asyncProperty(anyPng, async (parts: PngParts) => {
        const pixels = await decodePng(makePng(parts))
        const step = STEP[parts.colour]
        for (const [y, row] of parts.rows.entries()) {
          for (let x = 0; x < parts.width; x++) {
            const bytes = row.slice(x * step, (x + 1) * step)
            const alpha = parts.colour === 4 || parts.colour === 6 ? (bytes.at(-1) ?? 0) / 255 : 1
            const [r = 0, g = 0, b = 0] = step < 3 ? [bytes[0], bytes[0], bytes[0]] : bytes
            expect(pixels?.at(x, y)).toEqual([r, g, b].map((value) => Math.round(value * alpha)))
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  it('looks colours of a palette up', async () => {
    const parts: PngParts = {
      width: 2,
      height: 1,
      colour: 3,
      rows: [[1, 0]],
      filters: [0],
      palette: [1, 2, 3, 4, 5, 6],
    }
    const pixels = await decodePng(makePng(parts))
    expect([pixels?.at(0, 0), pixels?.at(1, 0)]).toEqual([
      [4, 5, 6],
      [1, 2, 3],
    ])
  })

  it('gives up, and never throws, on what it cannot read', async () => {
    const whole = makePng(red)
    for (const wrong of [
      Buffer.from('no picture'),
      makePng({ ...red, depth: 16 }),
      makePng({ ...red, interlace: 1 }),
      makePng({ ...red, width: 5000, height: 5000 }),
      makePng({ ...red, height: 3 }),
      whole.subarray(0, 60),
    ]) {
      expect(await decodePng(wrong)).toBeNull()
    }
    const anywhere = fc.integer({ min: 0, max: whole.length - 1 })
    await fc.assert(
      fc.asyncProperty(anywhere, fc.integer({ min: 0, max: 255 }), async (at, byte) => {
        const broken = Buffer.from(whole)
        broken[at] = byte
        const pixels = await decodePng(broken)
        expect(pixels === null || pixels.at(0, 0).length === 3).toBe(true)
      }),
    )
  })
})

describe('drawing', () => {
  const picture = new Blob([makePng(red)])

  it.each([
    [true, { TERM_PROGRAM: 'iTerm.app' }, 'iterm'],
    [true, { TERM_PROGRAM: 'WezTerm', COLORTERM: 'truecolor' }, 'iterm'],
    [true, { TERM: 'xterm-kitty' }, 'kitty'],
    [true, { KITTY_WINDOW_ID: '1', TMUX: '/tmp/tmux', COLORTERM: 'truecolor' }, 'blocks'],
    [true, { TERM: 'xterm-256color', COLORTERM: '24bit' }, 'blocks'],
    [true, { TERM: 'xterm' }, 'none'],
    [true, { TERM: 'dumb', COLORTERM: 'truecolor' }, 'none'],
    [false, { TERM_PROGRAM: 'iTerm.app' }, 'none'],
  ] as const)('terminal: %s, environment: %j: %s', (isTty, env, drawing) => {
    expect(drawingOf(isTty, env)).toBe(drawing)
  })

  it('puts two pixels into one half block', async () => {
    const drawn = await draw(picture, 'image/png', 'blocks', 4)
    const cell = '\x1b[38;2;255;0;0m\x1b[48;2;0;0;255m▀'
    expect(drawn).toBe(`  ${cell}${cell}\x1b[0m\n`)
  })

  it('hands the whole file to terminals that read pictures', async () => {
    const coded = makePng(red).toString('base64')
    expect(await draw(picture, 'image/png', 'iterm', 80)).toContain(`:${coded}\x07`)
    const kitty = await draw(new Blob([new Uint8Array(6000)]), 'image/png', 'kitty', 80)
    const chunks = kitty.split('\x1b_G').slice(1)
    expect(chunks.map((chunk) => chunk.split(';')[0])).toEqual(['a=T,f=100,q=2,c=40,m=1', 'm=0'])
    const sent = chunks.map((chunk) => chunk.slice(chunk.indexOf(';') + 1, chunk.indexOf('\x1b\\')))
    expect(Buffer.from(sent.join(''), 'base64')).toEqual(Buffer.alloc(6000))
  })

  it('leaves out what cannot be drawn', async () => {
    expect(await draw(picture, 'video/mp4', 'iterm', 80)).toBe('')
    expect(await draw(picture, 'image/webp', 'kitty', 80)).toBe('')
    expect(await draw(new Blob(['x']), 'image/jpeg', 'blocks', 80)).toBe('')
    expect(await draw(picture, 'image/png', 'none', 80)).toBe('')
  })
})

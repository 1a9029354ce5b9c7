import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inspect } from '../../src/media/inspect.ts'
import { gif, gifOfTwoFrames, heads, jpeg, loopingGif, movingPng, png, webp } from './samples.ts'

const named = (head: Uint8Array, name = 'x.bin') => {
  const { format, ...looks } = inspect(head, name)
  return { kind: format.kind, mime: format.mime, ...looks }
}

describe('inspect', () => {
  test.each(Object.entries(heads))('tells %s by its bytes, whatever the name says', (_, [head, kind, mime]) => {
    for (const name of ['x', 'x.png', 'x.mp4', 'x.exe']) expect(named(head, name)).toMatchObject({ kind, mime })
  })

  test.each([
    ['png', png(640, 480)],
    ['jpeg', jpeg(640, 480)],
    ['gif', gif(640, 480)],
    ['webp', webp(640, 480, false)],
  ])('reads the size of a %s', (_, head) => {
    expect(named(head)).toMatchObject({ width: 640, height: 480 })
    expect(named(head).animated).toBeUndefined()
  })

  test('reads a head that lies inside a larger buffer', () => {
    const larger = new Uint8Array(200_000)
    larger.set(png(7, 9), 50)
    expect(named(larger.subarray(50))).toMatchObject({ mime: 'image/png', width: 7, height: 9 })
  })

  test.each([
    ['a PNG with an animation chunk behind its workflow', movingPng(64, 64)],
    ['a GIF of two frames', gifOfTwoFrames(64, 64)],
    ['a GIF that loops, though its second frame is out of sight', loopingGif(64, 64)],
    ['an animated WebP', webp(64, 64, true)],
  ])('notices that %s moves', (_, head) => {
    expect(named(head)).toMatchObject({ kind: 'image', animated: true, width: 64, height: 64 })
  })

  test('lets the name decide among texts only', () => {
    const text = new TextEncoder().encode('a,b\n1,2\n')
    expect(named(text, 'x.csv').mime).toBe('text/csv')
    expect(named(text, 'x.MD').mime).toBe('text/markdown')
    expect(named(new TextEncoder().encode('{"a":'), 'x.json').mime).toBe('application/json')
    expect(named(text, 'x.svg').mime).toBe('image/svg+xml')
  })

  test('takes text cut inside a character for text', () => {
    expect(named(new TextEncoder().encode('여우').subarray(0, 4)).mime).toBe('text/plain')
  })

  test('gives no size for a picture cut short', () => {
    expect(named(png(640, 480).subarray(0, 18))).toEqual({ kind: 'image', mime: 'image/png' })
  })

  test('never fails, whatever the bytes', () => {
    const starts = Object.values(heads).map(([head]) => head.subarray(0, 40))
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 300 }), fc.nat(40), (start, noise, kept) => {
        const { format } = inspect(new Uint8Array([...start.subarray(0, kept), ...noise]), 'x')
        expect(format.mime).toMatch(/^[a-z]+\/[a-z0-9.+-]+$/)
      }),
      { numRuns: 3000 },
    )
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MediaKind } from '../../src/contract/index.ts'
import { type FileInput, fileInputs, guessedInputs, placeFiles, referenceIn } from '../../src/router/files.ts'

const keys = (...allowed: readonly string[]) => fileInputs(allowed, {}).map(({ key }) => key)
const input = (key: string, over: Partial<FileInput> = {}): FileInput => ({ key, kind: 'image', needed: true, ...over })
const images = (n: number): MediaKind[] => Array.from({ length: n }, () => 'image')

describe('which inputs take files', () => {
  test.each([
    ['image', 'image'],
    ['image2', 'image'],
    ['image_2', 'image'],
    ['init_image', 'image'],
    ['initImage', 'image'],
    ['mask', 'image'],
    ['control-mask-1', 'image'],
    ['Photo', 'image'],
    ['source_video', 'video'],
    ['voice', 'audio'],
    ['input_file', 'file'],
  ])('%s takes a %s', (key, kind) => {
    expect(fileInputs([key], {})).toEqual([{ key, kind, needed: true }])
  })

  test.each(['prompt', 'image_width', 'mask_blur', 'images', 'imagery', 'denoise', 'clip', 'filename_prefix', '2'])(
    '%s takes none',
    (key) => {
      expect(keys(key)).toEqual([])
    },
  )

  test('they keep the order of the template, but a mask comes behind what it covers', () => {
    expect(keys('mask', 'prompt', 'image', 'mask2', 'image2')).toEqual(['image', 'image2', 'mask', 'mask2'])
  })

  test('with a default they can be left out; a number is no name of a file', () => {
    expect(fileInputs(['image', 'mask', 'photo'], { image: 'example.png', mask: '', photo: 3 })).toEqual([
      { key: 'image', kind: 'image', needed: false },
      { key: 'mask', kind: 'image', needed: true },
    ])
  })

  test('a template that says nothing gets them under their plain names', () => {
    expect(guessedInputs(['image', 'audio', 'image']).map(({ key }) => key)).toEqual(['image', 'audio', 'image2'])
  })
})

test('a reference names a file by its place', () => {
  expect(['@1', '@12', '@', '@x', 'me@1', '@123'].map(referenceIn)).toEqual([1, 12, null, null, null, null])
})

describe('what goes where', () => {
  const both = [input('image'), input('mask')]

  test('in order', () => {
    expect(placeFiles(images(2), {}, both)).toEqual({
      ok: true,
      places: [
        { key: 'image', nth: 0, kind: 'image' },
        { key: 'mask', nth: 1, kind: 'image' },
      ],
    })
  })

  test('where it is told to go; the others fill what is left', () => {
    const placed = placeFiles(images(2), { mask: 1 }, both)
    expect(placed).toMatchObject({
      ok: true,
      places: [
        { key: 'mask', nth: 0 },
        { key: 'image', nth: 1 },
      ],
    })
  })

  test('one file may go to two inputs, and to one the template does not name', () => {
    const placed = placeFiles(images(1), { image: 1, mask: 1, pose: 1 }, both)
    expect(placed).toMatchObject({ ok: true, places: [{ nth: 0 }, { nth: 0 }, { key: 'pose', nth: 0, kind: 'image' }] })
  })

  test.each([
    ['too many', placeFiles(images(3), {}, both), { why: 'too_many', sent: 3, takes: 2 }],
    ['too few', placeFiles(images(1), {}, both), { why: 'too_few', missing: [{ key: 'mask' }] }],
    ['none at all', placeFiles([], {}, both), { why: 'too_few', missing: [{ key: 'image' }, { key: 'mask' }] }],
    ['none wanted', placeFiles(images(1), {}, []), { why: 'too_many', takes: 0 }],
    ['a reference to nothing', placeFiles(images(1), { image: 2 }, both), { why: 'no_such', nth: 2, sent: 1 }],
    ['@0', placeFiles(images(1), { image: 0 }, both), { why: 'no_such', nth: 0 }],
    ['a video for a picture', placeFiles(['video'], {}, both), { why: 'kind', is: 'video', takes: ['image', 'image'] }],
    ['a video told to be the picture', placeFiles(['video'], { image: 1 }, both), { why: 'kind', takes: ['image'] }],
  ])('%s is refused with what is wrong', (_, placed, why) => {
    expect(placed).toMatchObject({ ok: false, ...why })
  })

  test('what calls itself a file may be a picture', () => {
    expect(placeFiles(['file'], {}, [input('image')])).toMatchObject({ ok: true, places: [{ kind: 'image' }] })
  })

  test('every file finds one place of its own, or nothing is placed', () => {
    const kind = fc.constantFrom<MediaKind>('image', 'video', 'audio', 'file')
    const inputs = fc.uniqueArray(fc.record({ key: fc.string(), kind, needed: fc.boolean() }), {
      selector: (i) => i.key,
    })
    fc.assert(
      fc.property(fc.array(kind, { maxLength: 5 }), inputs, (sent, open) => {
        const placed = placeFiles(sent, {}, open)
        if (!placed.ok) return
        expect(placed.places.map(({ nth }) => nth)).toEqual(sent.map((_, i) => i))
        expect(new Set(placed.places.map(({ key }) => key)).size).toBe(sent.length)
        const filled = new Set(placed.places.map(({ key }) => key))
        expect(open.filter(({ key, needed }) => needed && !filled.has(key))).toEqual([])
      }),
    )
  })
})

import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Backend } from '../../src/backend/client.ts'
import { type MediaRef, SendError } from '../../src/contract/index.ts'
import { type HandOverDeps, makeHandOver } from '../../src/jobs/hand-over.ts'
import { formats } from '../../src/media/formats.ts'
import { makeTurns } from '../../src/media/turns.ts'
import { keepingLog } from '../kit/deps.ts'
import { openIn, streamOf, tempDir } from '../media/media-kit.ts'
import { exif, gifOf, inJpeg, jpegOf, pixels, pngOf, segment } from '../media/pictures.ts'
import { heads } from '../media/samples.ts'
import { failure, ok } from './backend-kit.ts'

const live = new AbortController().signal
const image: MediaRef = { kind: 'image', ref: 'r' }
const photo = inJpeg(jpegOf(pixels(9, 7)), segment(0xe1, exif(3, Buffer.from('52.37N'))))

const rig = async (download: () => Promise<Response>, over: Partial<HandOverDeps> = {}, maxTotalBytes = 1e6) => {
  const dir = await tempDir()
  const uploads: { name: string; subfolder: string | undefined; bytes: Buffer }[] = []
  const upload: Backend['upload'] = async ({ bytes, name, subfolder }) => {
    uploads.push({ name, subfolder, bytes: Buffer.from(await bytes.arrayBuffer()) })
    return ok({ name, subfolder: subfolder ?? '', type: 'input', input: `${subfolder}/${name}` })
  }
  const blobs = await openIn(dir, { maxTotalBytes })
  const handOver = makeHandOver({
    backend: { upload },
    blobs,
    download: (platform) => (platform === 'fake' ? download : null),
    maxBytes: 100_000,
    timeoutMs: 5000,
    inTurn: makeTurns(),
    log: keepingLog(),
    ...over,
  })
  return { handOver, uploads, blobs, left: () => readdirSync(dir) }
}

const giving =
  (bytes: Uint8Array, headers: Record<string, string> = {}) =>
  async () =>
    new Response(streamOf(bytes), { headers })

test('a picture is handed over without its metadata, under a name made of its bytes, and nothing of it stays', async () => {
  const { handOver, uploads, left } = await rig(giving(photo))
  const first = await handOver('fake', image, 'image', live)
  expect(first).toEqual({ ok: true, input: expect.stringMatching(/^openclaw-connector\/[0-9a-f]{24}\.jpg$/) })
  expect(await handOver('fake', image, 'image', live)).toEqual(first)
  expect(uploads[0]).toEqual(uploads[1])
  expect(uploads[0]?.bytes.includes('52.37N')).toBe(false)
  expect(uploads[0]?.bytes.includes(jpegOf(pixels(9, 7)).subarray(20))).toBe(true)
  expect(left()).toEqual([])
})

test('what it is called does not matter, only what it is: a picture sent as a file, a GIF that calls itself a photo', async () => {
  const png = await rig(giving(pngOf(pixels(3, 3))))
  expect(await png.handOver('fake', { kind: 'file', ref: 'r', name: 'x.exe' }, 'image', live)).toMatchObject({
    ok: true,
  })
  expect(png.uploads[0]?.name).toMatch(/\.png$/)
  const gif = await rig(giving(gifOf(pixels(3, 3))))
  expect(await gif.handOver('fake', { ...image, mime: 'image/jpeg' }, 'image', live)).toMatchObject({ ok: true })
  expect(gif.uploads[0]?.name).toMatch(/\.gif$/)
})

test('sound and films go as they are to inputs that take them; a picture for a file input is cleaned all the same', async () => {
  const [mp4] = heads.mp4 ?? []
  const film = await rig(giving(mp4 ?? new Uint8Array()))
  expect(await film.handOver('fake', { kind: 'video', ref: 'r' }, 'video', live)).toMatchObject({ ok: true })
  expect(film.uploads[0]?.bytes).toEqual(Buffer.from(mp4 ?? []))
  const any = await rig(giving(photo))
  expect(await any.handOver('fake', image, 'file', live)).toMatchObject({ ok: true })
  expect(any.uploads[0]?.bytes.includes('52.37N')).toBe(false)
})

describe('nothing is uploaded, and nothing stays behind', () => {
  const bomb = Buffer.from(photo)
  bomb.fill(0xff, bomb.indexOf(Buffer.from([0xff, 0xc0])) + 5, bomb.indexOf(Buffer.from([0xff, 0xc0])) + 9)
  const head = (name: string) => heads[name]?.[0] ?? new Uint8Array()

  test.each<readonly [string, () => Promise<Response>, object]>([
    ['cut off', giving(photo.subarray(0, -9)), { why: 'unreadable' }],
    ['too large, and says so', giving(photo, { 'content-length': '100001' }), { why: 'too_large' }],
    ['too large, and does not say so', giving(Buffer.alloc(100_001)), { why: 'too_large' }],
    ['of too many pixels', giving(bomb), { why: 'too_many_pixels' }],
    ['a PDF', giving(head('pdf')), { why: 'kind', is: formats.pdf }],
    ['a film', giving(head('mp4')), { why: 'kind', is: formats.mp4 }],
    ['a picture of a kind we do not take', giving(head('heic')), { why: 'kind', is: formats.heic }],
    ['empty', giving(new Uint8Array()), { why: 'unreadable' }],
    ['nothing that is known', giving(Buffer.from([0, 1, 2, 250])), { why: 'unreadable' }],
    ['gone', async () => new Response('no', { status: 404 }), { why: 'gone' }],
    ['not to be had', async () => Promise.reject(new Error('refused')), { why: 'gone' }],
    [
      'not for us, whoever asks again',
      async () => Promise.reject(new SendError('auth', 'no AppSecret')),
      { why: 'refused' },
    ],
    [
      'broken off',
      async () =>
        new Response(
          new ReadableStream<Uint8Array>({
            start: (c) => {
              c.enqueue(new Uint8Array(photo.subarray(0, 50)))
              c.error(new Error('connection lost'))
            },
          }),
        ),
      { why: 'interrupted' },
    ],
  ])('when it is %s', async (_, download, why) => {
    const { handOver, uploads, left } = await rig(download)
    expect(await handOver('fake', image, 'image', live)).toMatchObject({ ok: false, ...why })
    expect([uploads, left()]).toEqual([[], []])
  })

  test('when the platform announces it too large, without asking for it', async () => {
    const { handOver } = await rig(() => Promise.reject(new Error('asked')))
    expect(await handOver('fake', { ...image, bytes: 100_001 }, 'image', live)).toEqual({ ok: false, why: 'too_large' })
  })

  test('when the platform has no files to give', async () => {
    const { handOver } = await rig(giving(photo))
    expect(await handOver('other', image, 'image', live)).toEqual({ ok: false, why: 'gone' })
  })

  test('when there is no room', async () => {
    const { handOver, left } = await rig(giving(photo), {}, photo.length + 10)
    expect(await handOver('fake', image, 'image', live)).toEqual({ ok: false, why: 'full' })
    expect(left()).toEqual([])
  })

  test('when it never ends: the transfer is given up, whether or not the adapter heeds the signal', async () => {
    let cancelled = false
    const endless = async () =>
      new Response(
        new ReadableStream({
          cancel: () => {
            cancelled = true
          },
        }),
      )
    const { handOver, left } = await rig(endless, { timeoutMs: 20 })
    expect(await handOver('fake', image, 'image', live)).toEqual({ ok: false, why: 'late' })
    expect([cancelled, left()]).toEqual([true, []])
  })

  test('when we are stopping: that is thrown, so that the command is run again at the next start', async () => {
    const stop = new AbortController()
    const { handOver, left } = await rig(async () => {
      stop.abort()
      return giving(photo)()
    })
    await expect(handOver('fake', image, 'image', stop.signal)).rejects.toThrow()
    expect(left()).toEqual([])
  })
})

describe('an upload', () => {
  test('that nobody answered is made once more: the name makes it harmless', async () => {
    let nth = 0
    const upload: Backend['upload'] = async ({ name }) =>
      ++nth === 1 ? failure('unanswered') : ok({ name: 'x (1).jpg', subfolder: 'f', type: 'input', input: `f/${name}` })
    const { handOver } = await rig(giving(photo), { backend: { upload } })
    expect(await handOver('fake', image, 'image', live)).toMatchObject({
      ok: true,
      input: expect.stringMatching(/^f\//),
    })
    expect(nth).toBe(2)
  })

  test('that was refused is not', async () => {
    let nth = 0
    const refused = failure('refused')
    const upload: Backend['upload'] = async () => {
      nth++
      return refused
    }
    const { handOver, left } = await rig(giving(photo), { backend: { upload } })
    expect(await handOver('fake', image, 'image', live)).toEqual({ ok: false, why: 'backend', failure: refused })
    expect([nth, left()]).toEqual([1, []])
  })
})

test('turns are taken one after another, and one that fails does not stop the next', async () => {
  const inTurn = makeTurns()
  const seen: string[] = []
  const first = Promise.withResolvers<void>()
  const one = inTurn(async () => {
    await first.promise
    seen.push('one')
    throw new Error('no')
  })
  const two = inTurn(async () => seen.push('two'))
  first.resolve()
  await expect(one).rejects.toThrow('no')
  await two
  expect(seen).toEqual(['one', 'two'])
})

test('a file that we sent is handed over from where it lies, and stays there', async () => {
  const { handOver, uploads, blobs, left } = await rig(() => Promise.reject(new Error('asked')), { maxBytes: 10_000 })
  const put = await blobs.put(streamOf(photo), { name: 'result.jpg', maxBytes: 100_000 })
  const blob = put.ok ? put.blob.id : ''
  const before = left()
  expect(await handOver('fake', { kind: 'image', blob }, 'image', live)).toMatchObject({ ok: true })
  expect(uploads[0]?.bytes.includes('52.37N')).toBe(false)
  expect(left()).toEqual(before)
  expect(await handOver('fake', { kind: 'image', blob }, 'video', live)).toMatchObject({ ok: false, why: 'kind' })
  const gone = { kind: 'image' as const, blob: '0'.repeat(32) }
  expect(await handOver('fake', gone, 'image', live)).toEqual({ ok: false, why: 'gone' })
  const small = await rig(() => Promise.reject(new Error('asked')), { maxBytes: 20, blobs })
  expect(await small.handOver('fake', { kind: 'image', blob }, 'image', live)).toEqual({ ok: false, why: 'too_large' })
})

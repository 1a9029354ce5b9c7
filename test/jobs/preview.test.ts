import { createHash } from 'node:crypto'
import { imageSize } from 'image-size'
import { describe, expect, test } from 'vitest'
import type { Backend } from '../../src/backend/client.ts'
import type { OutcomeFile } from '../../src/backend/outcome.ts'
import type { MediaKind } from '../../src/contract/index.ts'
import { previewLimit } from '../../src/delivery/rungs.ts'
import { finish } from '../../src/jobs/finish.ts'
import { previewOf } from '../../src/jobs/preview.ts'
import { playTile } from '../../src/media/tile.ts'
import { blobNeeded, pruneOutbox } from '../../src/store/outbox.ts'
import { artifact, capabilities, rung } from '../delivery/plan-kit.ts'
import { keepingLog } from '../kit/deps.ts'
import { openIn, streamOf, tempDir } from '../media/media-kit.ts'
import { jpegOf, pixels } from '../media/pictures.ts'
import { backendWith, failure, ok } from './backend-kit.ts'
import { jobsRig, templatesOf } from './jobs-kit.ts'

const live = new AbortController().signal
const small = jpegOf(pixels(20, 20))
const file = (kind: MediaKind = 'image'): OutcomeFile => ({
  kind,
  filename: 'fox.png',
  subfolder: '',
  type: 'output',
  animated: false,
  nodeId: '9',
})
const jpeg = (bytes: Uint8Array = small) => ok(new Response(streamOf(bytes)))

const rig = async (view: Backend['view'], maxTotalBytes = 1e6) => {
  const blobs = await openIn(await tempDir(), { maxTotalBytes })
  const qualities: (number | undefined)[] = []
  const asking: Backend['view'] = (one, options) => {
    qualities.push(options?.preview?.quality)
    return view(one, options)
  }
  const preview = (kind: MediaKind, maxBytes: number) =>
    previewOf(file(kind), { kind }, maxBytes, { backend: { view: asking }, blobs, log: keepingLog() }, live)
  return { blobs, qualities, preview }
}

describe('a small still picture', () => {
  test("of a picture is ComfyUI's own preview, as a JPEG", async () => {
    const { preview, blobs, qualities } = await rig(async () => jpeg())
    const made = await preview('image', 5000)
    expect(made).toEqual({ blob: expect.any(String), mime: 'image/jpeg', bytes: small.length })
    expect(Buffer.from(await (await blobs.open(made?.blob ?? '')).arrayBuffer())).toEqual(small)
    expect(qualities).toEqual([75])
  })

  test('is asked for again, with less quality, until it fits', async () => {
    let nth = 0
    const { preview, blobs, qualities } = await rig(async () =>
      ++nth === 1 ? failure('too_large') : nth === 2 ? jpeg(new Uint8Array(6000)) : jpeg(),
    )
    expect(await preview('image', 5000)).toMatchObject({ mime: 'image/jpeg' })
    expect(qualities).toEqual([75, 45, 20])
    expect(blobs.usage().files).toBe(1)
  })

  test.each<readonly [string, Backend['view']]>([
    ['never fits', async () => failure('too_large')],
    ['is something else', async () => jpeg(Buffer.from('<html>'))],
    ['is not to be had', async () => failure('missing')],
  ])('that %s is replaced by a neutral one', async (_, view) => {
    const { preview, blobs } = await rig(view)
    expect(await preview('image', 5000)).toMatchObject({ mime: 'image/jpeg', bytes: playTile().length })
    expect(blobs.usage().files).toBe(1)
  })

  test('of a film is the neutral one, and ComfyUI is not asked', async () => {
    const { preview, qualities } = await rig(async () => jpeg())
    expect(await preview('video', 5000)).toMatchObject({ mime: 'image/jpeg' })
    expect(qualities).toEqual([])
  })

  test('is done without where nothing can be kept', async () => {
    const { preview } = await rig(async () => jpeg(), 10)
    expect(await preview('image', 5000)).toBeUndefined()
  })
})

test('the neutral picture is a small whole JPEG, the same each time', () => {
  const tile = playTile()
  expect(tile.length).toBeLessThan(1024)
  expect(imageSize(tile)).toMatchObject({ type: 'jpg', width: 320, height: 180 })
  expect([tile.subarray(0, 4).toString('hex'), tile.subarray(-2).toString('hex')]).toEqual(['ffd8ffe0', 'ffd9'])
  // Looked at with another decoder: a light triangle (208) on dark ground (42).
  expect(createHash('sha256').update(tile).digest('hex').slice(0, 16)).toBe('26870447fb472fff')
})

describe('whether one is wanted', () => {
  const linked = rung({ as: 'linked', by: 'url', mime: ['*'], maxBytes: 9000, previewBytes: 700 })
  const caps = capabilities({ media: { ...capabilities().media, image: [rung(), linked] } })

  test('by any way that can take the file, not only the best: that may be refused', () => {
    expect(previewLimit(artifact(), caps, { canLink: true })).toBe(700)
    expect(previewLimit(artifact({ bytes: 5000 }), caps, { canLink: true })).toBe(700)
  })

  test('not by one that can not', () => {
    expect(previewLimit(artifact(), caps, { canLink: false })).toBeNull()
    expect(previewLimit(artifact({ bytes: 10_000 }), caps, { canLink: true })).toBeNull()
    expect(previewLimit(artifact({ kind: 'file' }), caps, { canLink: true })).toBeNull()
  })
})

test('a result goes out with its preview where the platform wants one, and both are kept as long', async () => {
  const wants = {
    media: { ...capabilities().media, image: [rung({ mime: ['*'], maxBytes: 1e6, previewBytes: 5000 })] },
  }
  const { ask, telling, clock, db, messages, log } = jobsRig({ caps: wants })
  const blobs = await openIn(await tempDir())
  const job = ask('j1', { state: 'running', promptId: 'p1', told: 'queued' })
  await finish(
    job,
    {
      kind: 'done',
      startedAtMs: null,
      finishedAtMs: null,
      files: [file()],
      texts: [],
      failure: null,
      traceId: null,
    },
    {
      ...telling,
      backend: backendWith({ view: async (_, options) => jpeg(options?.preview ? small : jpegOf(pixels(64, 64))) }),
      blobs,
      sleep: clock.sleep,
      log,
      templates: templatesOf([]),
      maxImages: 4,
      maxImageBytes: 100_000,
      endLive: async () => {},
      collected: new Map(),
      step: () => {},
    },
    live,
  )
  const [item] = messages().at(-1)?.part.items ?? []
  const media = item?.kind === 'media' ? item.media : null
  expect(media?.preview).toMatchObject({ mime: 'image/jpeg', bytes: small.length })
  const needed = () => [media?.blob, media?.preview?.blob].map((blob) => blobNeeded(db, blob ?? '', clock.now()))
  expect(needed()).toEqual([true, true])
  db.exec("UPDATE outbox SET state = 'sent', done_at = 1")
  pruneOutbox(db, clock.now() + 1, 10)
  expect(needed()).toEqual([false, false])
})

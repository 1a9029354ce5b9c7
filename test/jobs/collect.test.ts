import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Backend } from '../../src/backend/client.ts'
import type { Answer } from '../../src/backend/http.ts'
import type { Outcome, OutcomeFile } from '../../src/backend/outcome.ts'
import { type CollectDeps, collect } from '../../src/jobs/collect.ts'
import { openBlobs } from '../../src/media/blobs.ts'
import { makeClock, tempDir } from '../kit/core.ts'
import { keepingLog } from '../kit/deps.ts'
import { streamOf } from '../media/media-kit.ts'
import { backendWith, failure, ok } from './backend-kit.ts'

const live = new AbortController().signal
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg==',
  'base64',
)

const file = (filename: string, over: Partial<OutcomeFile> = {}): OutcomeFile => ({
  kind: 'image',
  filename,
  subfolder: '',
  type: 'output',
  animated: false,
  nodeId: '9',
  ...over,
})

const done = (...files: OutcomeFile[]): Outcome => ({
  kind: 'done',
  startedAtMs: null,
  finishedAtMs: null,
  files,
  texts: [],
  failure: null,
  traceId: null,
})

const answer = (bytes: Uint8Array | string = png, type = 'image/png'): Answer<Response> =>
  ok(new Response(streamOf(bytes), { headers: { 'content-type': type } }))

const rig = async (view: Backend['view'], over: Partial<CollectDeps> = {}, maxTotalBytes = 1e6) => {
  const clock = makeClock()
  const newId = () => randomBytes(16).toString('hex')
  const blobs = await openBlobs({ dir: tempDir(), maxTotalBytes, now: clock.now, newId, log: keepingLog() })
  const asked: string[] = []
  const deps: CollectDeps = {
    backend: backendWith({
      view: (one, options) => {
        asked.push(one.filename)
        return view(one, options)
      },
    }),
    blobs,
    now: clock.now,
    sleep: clock.sleep,
    log: keepingLog(),
    maxImages: 4,
    maxImageBytes: 1000,
    previewBytes: () => null,
    ...over,
  }
  return { clock, blobs, asked, deps }
}

/** Answers that come one after another; the last one stays. */
const inTurn = (...answers: (() => Answer<Response>)[]): Backend['view'] => {
  let nth = 0
  return async () => answers[Math.min(nth++, answers.length - 1)]?.() ?? failure('missing')
}

test('everything a job produced is brought home, with what the bytes say about it', async () => {
  const { blobs, deps } = await rig(async () => answer())
  const { media, notes } = await collect(done(file('fox.png'), file('b.png')), deps, live)
  expect(media).toMatchObject([
    { kind: 'image', name: 'fox.png', mime: 'image/png', bytes: png.length, width: 1, height: 1 },
    { name: 'b.png' },
  ])
  expect(notes).toEqual([])
  expect(await (await blobs.open(media[0]?.blob ?? '')).arrayBuffer()).toEqual(
    png.buffer.slice(png.byteOffset, png.byteOffset + png.length),
  )
})

test('no more pictures are fetched than the operator allows, nor more than ten other files, and it is said', async () => {
  const { deps, asked } = await rig(async () => answer())
  const pictures = Array.from({ length: 7 }, (_, i) => file(`p${i}.png`))
  const others = Array.from({ length: 12 }, (_, i) => file(`t${i}.txt`, { kind: 'file' }))
  const { media, notes } = await collect(done(...pictures, ...others), deps, live)
  expect([media.length, asked.length]).toEqual([14, 14])
  expect(notes).toEqual([expect.stringContaining('3 more not sent'), expect.stringContaining('2 more not sent')])
})

test('a file that is too large is said to be, whether it is announced or only turns out so', async () => {
  const { deps, blobs } = await rig(
    inTurn(
      () => failure('too_large'),
      () => answer('x'.repeat(1001)),
    ),
  )
  const { media, notes } = await collect(done(file('a.png'), file('b.png')), deps, live)
  expect(media).toEqual([])
  expect(notes).toEqual([
    expect.stringMatching(/^a\.png is larger than/),
    expect.stringMatching(/^b\.png is larger than/),
  ])
  expect(blobs.usage().bytes).toBe(0)
})

test('a film may be as large as the upper clamp, the bound of the operator speaks of pictures', async () => {
  const { deps } = await rig(async () => answer('x'.repeat(5000)))
  const { media } = await collect(done(file('film.mp4', { kind: 'video' })), deps, live)
  expect(media).toHaveLength(1)
})

test.each(['missing', 'refused', 'denied'] as const)('a file that is %s is told as such at once', async (kind) => {
  const { deps, asked } = await rig(async () => failure(kind))
  const { notes } = await collect(done(file('a.png')), deps, live)
  expect([notes, asked.length]).toEqual([[expect.stringContaining('a.png could not be fetched')], 1])
})

test('a store without room is told to the requester, and the other files still come', async () => {
  const { deps } = await rig(
    inTurn(
      () => answer('x'.repeat(600)),
      () => answer(),
    ),
    {},
    500,
  )
  const { media, notes } = await collect(done(file('a.png'), file('b.png')), deps, live)
  expect(media.map(({ name }) => name)).toEqual(['b.png'])
  expect(notes).toEqual([expect.stringContaining('no room left')])
})

test('a backend that is away is waited for: a restart takes a minute, and its files are there afterwards', async () => {
  let up = false
  const { deps, clock } = await rig(async () => (up ? answer() : failure('down')))
  const collecting = collect(done(file('a.png')), deps, live)
  await clock.advance(90_000)
  up = true
  await clock.advance(30_000)
  expect((await collecting).media).toHaveLength(1)
})

test('a backend that stays away is given up after ten minutes, and it is said where the file is', async () => {
  const { deps, clock } = await rig(async () => failure('unanswered'))
  const collecting = collect(done(file('a.png')), deps, live)
  await clock.advance(11 * 60_000)
  const { notes } = await collecting
  expect(notes).toEqual([expect.stringContaining('output folder')])
})

test('a stream that breaks off half-way is fetched again from the beginning', async () => {
  const broken = () =>
    ok(
      new Response(
        new ReadableStream({
          start: (out) => out.enqueue(png.subarray(0, 10)),
          pull: (out) => out.error(new Error('cut')),
        }),
      ),
    )
  const { deps, clock, blobs } = await rig(inTurn(broken, () => answer()))
  const collecting = collect(done(file('a.png')), deps, live)
  for (let i = 0; i < 20; i++) {
    await new Promise((resolve) => setTimeout(resolve, 2))
    await clock.advance(1000)
  }
  expect((await collecting).media).toMatchObject([{ bytes: png.length }])
  expect(blobs.usage()).toMatchObject({ files: 1, bytes: png.length })
})

test('stopping ends the fetching at once', async () => {
  const stop = new AbortController()
  const { deps, clock } = await rig(async () => failure('down'))
  const collecting = collect(done(file('a.png')), deps, stop.signal)
  const rejected = expect(collecting).rejects.toThrow()
  await clock.advance(1000)
  stop.abort()
  await rejected
  expect(clock.sleepers()).toBe(0)
})

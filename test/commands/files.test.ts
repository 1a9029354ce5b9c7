import { describe, expect, test } from 'vitest'
import type { Template } from '../../src/backend/wire.ts'
import type { MediaRef } from '../../src/contract/index.ts'
import type { HandOver } from '../../src/jobs/hand-over.ts'
import { formats } from '../../src/media/formats.ts'
import { addPart, markSent } from '../../src/store/outbox.ts'
import { artifact } from '../delivery/plan-kit.ts'
import { failure } from '../jobs/backend-kit.ts'
import { mute } from '../jobs/jobs-kit.ts'
import { address, part } from '../kit/core.ts'
import { commandRig, portrait } from './kit.ts'

const image = (ref: string, over: Partial<MediaRef> = {}): MediaRef => ({ kind: 'image', ref, ...over })
const of = (id: string, allowedInputs: readonly string[], defaults: Template['defaults'] = {}): Template => ({
  id,
  allowedInputs,
  defaults,
})
const img2img = of('img2img', ['image', 'prompt'], { image: 'example.png' })
const inpaint = of('inpaint', ['mask', 'image', 'prompt'])
const bare = of('bare', [])
const upscale = of('upscale', ['image'])
const templates = [portrait, img2img, inpaint, bare, upscale]
const minute = 60_000

const rigged = (handOver?: HandOver, over: Parameters<typeof commandRig>[0] = {}) => {
  const handed: string[] = []
  const rig = commandRig({
    templates,
    ...over,
    deps: {
      handOver:
        handOver ??
        (async (platform, media, kind) => {
          const ref = 'ref' in media ? media.ref : media.blob
          handed.push(`${platform} ${ref} ${kind}`)
          return { ok: true, input: `folder/${ref}.png` }
        }),
    },
  })
  const inputsOf = () => rig.comfy.everRun.map(({ inputs }) => inputs)
  return { ...rig, handed, inputsOf }
}

describe('the picture that a /run is about', () => {
  test('came with it', async () => {
    const { say, inputsOf, handed } = rigged()
    expect(await say('ann', '/run img2img a fox', { media: [image('r')] })).toMatch(/^\[Job Submitted\] img2img[^(]+$/)
    expect(inputsOf()).toEqual([{ image: 'folder/r.png', prompt: 'a fox' }])
    expect(handed).toEqual(['fake r image'])
  })

  test('is in the message that it answers, also when somebody else sent it', async () => {
    const { say, inputsOf } = rigged()
    const group = address({ kind: 'group', chat: 'g' })
    await say('ann', '', { where: group, media: [image('theirs')], message: 'm7' })
    await say('ann', '', { where: group, media: [image('later')], message: 'm8' })
    await say('boss', '/run img2img a fox', { where: group, replyTo: 'm7' })
    expect(inputsOf()).toMatchObject([{ image: 'folder/theirs.png' }])
  })

  test('is our own that it answers, or none where that was words, whatever the platform makes of it', async () => {
    const { say, inputsOf, handed, db } = rigged()
    const shown = { kind: 'media' as const, media: artifact({ blob: 'b7' }), as: 'photo' }
    for (const [key, items] of [
      ['k1', [shown]],
      ['k2', [{ kind: 'text' as const, text: 'words' }]],
    ] as const) {
      addPart(db, { part: part(key, { items }) }, 1)
      markSent(db, key, { message: `of ${key}`, via: 'push' }, 1)
    }
    await say('ann', '/run img2img a fox', { replyTo: 'of k1', media: [image('of k1')] })
    await say('ann', '/run portrait a fox', { replyTo: 'of k2', media: [image('of k2')] })
    await say('ann', '/run img2img a fox', { replyTo: 'theirs', media: [image('theirs')] })
    expect(inputsOf()).toMatchObject([{ image: 'folder/b7.png' }, {}, { image: 'folder/theirs.png' }])
    expect(handed).toEqual(['fake b7 image', 'fake theirs image'])
  })

  test('is the one that was quoted by its id alone, with what is known of it', async () => {
    const { say, inputsOf, handed } = rigged()
    await say('ann', '', { media: [{ kind: 'video', ref: '7' }], message: 'token of 7' })
    await say('ann', '', { media: [image('8')], message: 'token of 8' })
    await say('ann', '/run bare', { replyTo: '7', media: [{ kind: 'file', ref: '7' }] })
    await say('ann', '/run upscale', { replyTo: 'unseen', media: [{ kind: 'file', ref: 'unseen' }] })
    expect(inputsOf()).toEqual([{ video: 'folder/7.png' }, { image: 'folder/unseen.png' }])
    expect(handed).toEqual(['fake 7 video', 'fake unseen image'])
  })

  test('may as well be words that were quoted: then it is no hindrance, but for a template that needs a picture', async () => {
    const { say, inputsOf } = rigged(async () => ({ ok: false, why: 'gone' }))
    const quoting = { replyTo: 'words', media: [image('words')] }
    await say('ann', '/run portrait a fox', quoting)
    await say('ann', '/run bare prompt="a fox"', quoting)
    await say('ann', '/run img2img a fox', quoting)
    expect(inputsOf()).toEqual([{ positive_prompt: 'a fox' }, { prompt: 'a fox' }, { prompt: 'a fox' }])
    expect(await say('ann', '/run upscale', quoting)).toContain('Send it again')
    expect(inputsOf()).toHaveLength(3)
  })

  test('was sent by the same person in the same chat at most ten minutes before', async () => {
    const { say, inputsOf, clock } = rigged()
    await say('ann', '', { media: [image('hers')] })
    await say('boss', '', { media: [image('not hers')] })
    await say('ann', '', { where: address({ chat: 'other' }), media: [image('elsewhere')] })
    clock.set(clock.now() + 9 * minute)
    expect(await say('ann', '/run img2img a fox')).toContain('I took the picture you sent last.')
    expect(inputsOf()).toMatchObject([{ image: 'folder/hers.png' }])
    clock.set(clock.now() + 2 * minute)
    expect(await say('ann', '/run img2img a fox')).not.toContain('I took')
    expect(inputsOf()[1]).toEqual({ prompt: 'a fox' })
  })

  test('is not one that was taken back since', async () => {
    const { say, inputsOf } = rigged()
    await say('ann', '', { media: [image('kept')], message: 'm1' })
    await say('ann', '', { media: [image('by ref')], message: 'token' })
    await say('ann', '', { media: [image('by message')], message: 'm3' })
    for (const message of ['by ref', 'm3', 'unknown'])
      expect(await say('ann', '', { body: { kind: 'unsent', message } })).toBe('')
    await say('ann', '', { where: address({ chat: 'other' }), body: { kind: 'unsent', message: 'm1' } })
    await say('ann', '/run img2img a fox')
    expect(inputsOf()).toMatchObject([{ image: 'folder/kept.png' }])
  })

  test('counts from when it was answered, where it came late: that answer says for how long', async () => {
    const { say, inputsOf, clock } = rigged()
    const at = clock.now() - 30 * minute
    expect(await say('ann', '', { at, media: [image('late')] })).toContain('within 10 minutes')
    expect(await say('ann', '', { at, media: [image('later')] })).toBe('')
    expect(await say('ann', '/run img2img a fox')).toContain('I took the picture you sent last.')
    expect(inputsOf()).toMatchObject([{ image: 'folder/later.png' }])
  })

  test('is not looked for when the person named one that ComfyUI has, or wrote words that name it', async () => {
    const { say, inputsOf, handed } = rigged()
    await say('ann', '', { media: [image('r')] })
    await say('ann', '/run img2img image=mine.png')
    await say('ann', '/run upscale mine.png')
    expect(inputsOf()).toEqual([{ image: 'mine.png' }, { image: 'mine.png' }])
    expect(handed).toEqual([])
  })

  test('is never looked for by a template that takes none', async () => {
    const { say, inputsOf, handed } = rigged()
    await say('ann', '', { media: [image('r')] })
    await say('ann', '/run portrait a fox')
    expect([inputsOf(), handed]).toEqual([[{ positive_prompt: 'a fox' }], []])
  })

  test('goes where it is told to go, and is handed over once', async () => {
    const { say, inputsOf, handed } = rigged()
    const media = [image('a'), image('b')]
    await say('ann', '/run inpaint mask=@1 image=@2', { media })
    await say('ann', '/run inpaint mask=@1 image=@1', { media: [image('c')] })
    await say('ann', '/run bare pose=@2 a fox', { media })
    expect(inputsOf()).toEqual([
      { mask: 'folder/a.png', image: 'folder/b.png' },
      { mask: 'folder/c.png', image: 'folder/c.png' },
      { pose: 'folder/b.png', image: 'folder/a.png', positive_prompt: 'a fox' },
    ])
    expect(handed).toHaveLength(5)
  })

  test('takes the place that words would have had; these are left out, and that is said', async () => {
    const { say, inputsOf } = rigged()
    expect(await say('ann', '/run upscale sharper', { media: [image('r')] })).toContain('I left out "sharper"')
    expect(inputsOf()).toEqual([{ image: 'folder/r.png' }])
  })
})

describe('nothing is submitted and nothing handed over', () => {
  test.each<readonly [string, string, readonly MediaRef[], RegExp]>([
    ['too few', '/run inpaint a fox', [image('a')], /inpaint needs a picture more \(mask\)/],
    ['none', '/run upscale', [], /upscale needs a picture more \(image\)/],
    ['too many', '/run img2img', [image('a'), image('b')], /takes 1 file, and 2 came/],
    ['none taken', '/run portrait', [image('a')], /portrait takes no picture\. .*img2img, inpaint, upscale/],
    ['a reference to nothing', '/run img2img image=@2', [image('a')], /you wrote @2, but I have one file/],
    ['a reference, and no picture', '/run img2img image=@1', [], /there is no picture for @1/],
    ['another kind', '/run img2img', [{ kind: 'audio', ref: 'a' }], /takes a picture, not a sound/],
  ])('when it is %s', async (_, line, media, why) => {
    const { say, handed, comfy } = rigged()
    expect(await say('ann', line, { media })).toMatch(why)
    expect([handed, comfy.everRun]).toEqual([[], []])
  })

  test('in a group, where pictures that speak to nobody are not remembered, a way is named that works there', async () => {
    const { say } = rigged()
    const where = address({ kind: 'group', chat: 'g' })
    expect(await say('ann', '/run upscale', { where })).toContain(
      'needs a picture more (image). Send it here and answer it',
    )
    for (const media of [[], [image('a')]])
      expect(await say('ann', '/run inpaint', { where, media })).toMatch(
        /more \((?:image, )?mask\)\. .*direct chat with me/,
      )
  })

  test('when too many jobs of the person wait already', async () => {
    const { say, handed } = rigged()
    for (let i = 0; i < 5; i++) await say('ann', '/run portrait')
    expect(await say('ann', '/run img2img', { media: [image('a')] })).toContain('You already have 5 jobs waiting')
    expect(handed).toEqual([])
  })

  test('when nobody knows what the template takes; without a picture the job is held as ever', async () => {
    const { say, handed } = rigged(undefined, { templates: failure('down') })
    expect(await say('ann', '/run img2img', { media: [image('a')] })).toMatch(/could not hand the file over.*ComfyUI/)
    expect(handed).toEqual([])
  })

  test.each<readonly [string, Awaited<ReturnType<HandOver>>, RegExp]>([
    ['too large', { ok: false, why: 'too_large' }, /larger than the 20\.0 MB I take/],
    ['too many pixels', { ok: false, why: 'too_many_pixels' }, /more than 64 million pixels/],
    ['not readable', { ok: false, why: 'unreadable' }, /can not read that picture/],
    [
      'something else',
      { ok: false, why: 'kind', is: formats.heic },
      /this is HEIC, and I take JPEG, PNG, WebP and GIF/,
    ],
    ['not handed out any more', { ok: false, why: 'gone' }, /could not fetch the file/],
    ['cut off', { ok: false, why: 'interrupted' }, /could not fetch the file/],
    ['too slow', { ok: false, why: 'late' }, /took too long/],
    ['more than the disk takes', { ok: false, why: 'full' }, /no room left/],
    ['refused by ComfyUI', { ok: false, why: 'backend', failure: failure('down') }, /ComfyUI can't be reached/],
  ])('when it is %s', async (_, handed, why) => {
    const { say, comfy } = rigged(async () => handed)
    expect(await say('ann', '/run img2img a fox', { media: [image('r')] })).toMatch(why)
    expect(comfy.everRun).toEqual([])
  })
})

test('a command that a crash repeats hands nothing over again', async () => {
  const { act, eventOf, handed, comfy } = rigged()
  const one = eventOf('/run img2img a fox', 'ann', { media: [image('r')] })
  const first = await act(one)
  expect((await act(one)).outcome.reply?.text).toBe(first.outcome.reply?.text)
  expect([handed.length, comfy.everRun.length]).toEqual([1, 1])
})

test('an approval holds the name under which ComfyUI keeps the picture', async () => {
  const { say, db } = rigged()
  expect(await say('stranger', '/run img2img a fox', { media: [image('r')] })).toContain('[Approval Requested]')
  const row = db.sql('SELECT inputs FROM approvals').get()
  expect(JSON.parse(String(row?.inputs))).toEqual({ image: 'folder/r.png', prompt: 'a fox' })
})

describe('a picture alone', () => {
  test('is answered with what to do with it, once for those that come together', async () => {
    const { say, clock } = rigged()
    expect(await say('ann', '', { media: [image('1')] })).toMatch(/^Got the picture\. .*img2img, inpaint, upscale/)
    expect(await say('ann', '', { media: [image('2')] })).toBe('')
    expect(await say('ann', 'look at that', { media: [image('3')] })).toContain('Got the picture')
    clock.set(clock.now() + 2 * minute)
    expect(await say('ann', '', { media: [{ kind: 'file', ref: '4' }] })).toMatch(/^Got the file\. [^:]+$/)
  })

  test('is answered each time where the open request is the answer', async () => {
    const { say } = rigged(undefined, { caps: mute })
    for (const ref of ['1', '2']) expect(await say('ann', '', { media: [image(ref)] })).toContain('Got the picture')
  })

  test('in a group is answered when it mentions us, and only remembered when it answers us', async () => {
    const { say, inputsOf } = rigged()
    const where = address({ kind: 'group', chat: 'g' })
    expect(await say('ann', '', { where, media: [image('1')], replyTo: 'm1' })).toBe('')
    await say('ann', '/run img2img', { where })
    expect(inputsOf()).toMatchObject([{ image: 'folder/1.png' }])
    expect(await say('boss', '', { where, media: [image('2')] })).toContain('Got the picture')
  })
})

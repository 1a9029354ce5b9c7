import { expect, test } from 'vitest'
import { defaultTemplates } from '../../src/simulator/index.ts'
import { exif, inJpeg, jpegOf, pixels, segment } from '../media/pictures.ts'
import type { Person, PersonsFile, Shown } from '../platforms/platform.ts'
import type { House, OnEnd, Wanted } from './harness.ts'

/** One conversation with one person on some platform, as far as this flow needs it. */
export interface PictureChat {
  readonly person: Person
  /** Sends words, a file, or both in one message (where the platform has captions); resolves to the message's id. */
  readonly send: (message: {
    readonly text?: string
    readonly file?: PersonsFile
    readonly replyTo?: string
  }) => Promise<string>
  /** What the bot shows there, oldest first. */
  readonly seen: () => readonly Shown[]
  readonly shows: (what: string | RegExp) => Promise<Shown>
}

/** A platform as the flow sees it. */
export interface PictureStage {
  readonly name: string
  /** Whether a file can come with words in one message. */
  readonly captions: boolean
  /** Whether a message can answer an earlier one. */
  readonly replies: boolean
  /** Whether the bot's own pictures can be answered with a command about them. */
  readonly answersOwn: boolean
  readonly open: (onEnd: OnEnd, wanted: Wanted) => Promise<{ readonly house: House; readonly ann: PictureChat }>
}

const place = '52.3702N 4.8952E'
const photo = (size: { readonly width: number; readonly height: number } = { width: 24, height: 16 }): PersonsFile => ({
  kind: 'image',
  bytes: inJpeg(
    jpegOf(pixels(size.width, size.height)),
    segment(0xe1, exif(6, Buffer.from(place))),
    segment(0xfe, Buffer.from('by Ann')),
  ),
  mime: 'image/jpeg',
  name: 'holiday.jpg',
})

/** `inpaint` needs a picture and a mask, `img2img` can do without, `portrait` takes none. */
const inpaint = {
  id: 'inpaint',
  allowedInputs: ['mask', 'prompt', 'image'],
  defaults: { prompt: 'a fox' },
  workflow: {
    '1': { class_type: 'LoadImage', inputs: { image: '{{image}}' } },
    '2': { class_type: 'LoadImage', inputs: { image: '{{mask}}' } },
    '3': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: '{{prompt}}' } },
    '4': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'mask' } },
  },
}

const wanted: Wanted = {
  simulator: { templates: [...defaultTemplates, inpaint] },
  env: { OPENCLAW_CONNECTOR_INPUT_MAX_MB: '1' },
}

/** The names of pictures that the jobs of ComfyUI load, in order. */
const loaded = (house: House): readonly string[] =>
  house.simulator.control
    .jobs()
    .flatMap(({ prompt }) => Object.values(prompt))
    .filter(({ class_type }) => class_type === 'LoadImage')
    .map(({ inputs }) => String(inputs.image))

const submissions = (house: House): number =>
  house.simulator.control.requests().filter(({ path }) => path === '/openclaw/triggers/fire').length

const uploads = (house: House): number =>
  house.simulator.control.requests().filter(({ path }) => path === '/upload/image').length

/** What lies at ComfyUI under the name that a job loads. */
const bytesAt = async (house: House, input: string): Promise<Buffer> => {
  const [subfolder = '', filename = ''] = input.split('/')
  const query = new URLSearchParams({ filename, subfolder, type: 'input' })
  const response = await fetch(`${house.simulator.url}/view?${query}`)
  expect(response.status, input).toBe(200)
  return Buffer.from(await response.arrayBuffer())
}

const cleaned = async (house: House, input: string): Promise<void> => {
  const bytes = await bytesAt(house, input)
  expect(input).toMatch(/^openclaw-connector\/[0-9a-f]{24}\.jpg$/)
  expect(bytes.includes(place)).toBe(false)
  expect(bytes.includes('by Ann')).toBe(false)
  // The scan as it was taken, and the way up.
  const plain = jpegOf(pixels(24, 16))
  expect(bytes.includes(plain.subarray(20))).toBe(true)
  expect(bytes.includes('Exif')).toBe(true)
}

/** A picture for a template, from the chat into ComfyUI, on any platform. */
export const picturesFlow = (stage: PictureStage): void => {
  test.runIf(stage.captions)(
    'a picture with /run as its caption becomes the input, without what the camera wrote into it',
    async ({ onTestFinished }) => {
      const { house, ann } = await stage.open(onTestFinished, wanted)
      await ann.send({ text: '/run img2img a red fox', file: photo() })
      await ann.shows(/^img2img/)
      const inputs = loaded(house)
      expect(inputs).toHaveLength(1)
      await cleaned(house, inputs[0] ?? '')
    },
  )

  test('a picture alone is answered with what to do, and a /run shortly after takes it', async ({ onTestFinished }) => {
    const { house, ann } = await stage.open(onTestFinished, wanted)
    await ann.send({ file: photo() })
    const told = await ann.shows('Got the picture')
    expect(told.text).toContain('img2img')
    await ann.send({ text: '/run img2img a red fox' })
    await ann.shows('I took the picture you sent last')
    await ann.shows(/^img2img/)
    await cleaned(house, loaded(house)[0] ?? '')
  })

  test.runIf(stage.replies)(
    'a /run in answer to a picture takes that one, not the latest',
    async ({ onTestFinished }) => {
      const { house, ann } = await stage.open(onTestFinished, wanted)
      const first = await ann.send({ file: photo() })
      await ann.shows('Got the picture')
      await ann.send({ file: photo({ width: 8, height: 8 }) })
      await ann.send({ text: '/run img2img a red fox', replyTo: first })
      await ann.shows(/^img2img/)
      await cleaned(house, loaded(house)[0] ?? '')
    },
  )

  test('a picture is still known after a restart', async ({ onTestFinished }) => {
    const { house, ann } = await stage.open(onTestFinished, wanted)
    await ann.send({ file: photo() })
    await ann.shows('Got the picture')
    expect(await house.daemon().stop()).toBe(0)
    await house.start()
    await ann.send({ text: '/run img2img a red fox' })
    await ann.shows(/^img2img/)
    await cleaned(house, loaded(house)[0] ?? '')
  })

  test.runIf(stage.answersOwn)("a picture of the bot's own can be worked on further", async ({ onTestFinished }) => {
    const { house, ann } = await stage.open(onTestFinished, wanted)
    await ann.send({ text: '/run portrait a red fox width=64 height=64' })
    const words = await ann.shows(/^portrait/)
    const picture = ann.seen().find(({ media }) => media.length > 0)
    for (const [i, { id }] of [words, picture ?? words].entries()) {
      await ann.send({ text: `/run img2img fox ${i}`, replyTo: id })
      await ann.shows(new RegExp(`^img2img[\\s\\S]*prompt: fox ${i}`))
    }
    const [input = '', again] = loaded(house)
    expect(input).toMatch(/\.png$/)
    expect(again).toBe(input)
    expect((await bytesAt(house, input)).length).toBeGreaterThan(1000)
  })

  test('two pictures go where they belong, or where they are told to go', async ({ onTestFinished }) => {
    const { house, ann } = await stage.open(onTestFinished, wanted)
    await ann.send({ text: '/run inpaint' })
    expect((await ann.shows('Not started')).text).toContain('needs 2 pictures more (image, mask)')
    await ann.send({ file: photo() })
    await ann.shows('Got the picture')
    await ann.send({ file: photo({ width: 8, height: 8 }) })
    await ann.send({ text: '/run inpaint first' })
    await ann.shows(/^inpaint[\s\S]*prompt: first/)
    await ann.send({ text: '/run inpaint second image=@2 mask=@1' })
    await ann.shows(/^inpaint[\s\S]*prompt: second/)
    const [image = '', mask = '', ...swapped] = loaded(house)
    await cleaned(house, image)
    expect(mask).not.toBe(image)
    expect(swapped).toEqual([mask, image])
  })

  test('what can not be used is told so, and nothing is submitted', async ({ onTestFinished }) => {
    const { house, ann } = await stage.open(onTestFinished, wanted)
    const refused = async (file: PersonsFile, why: string): Promise<void> => {
      const id = await ann.send({ file })
      await ann.send({ text: '/run img2img a red fox', ...(stage.replies ? { replyTo: id } : {}) })
      await ann.shows(why)
    }
    const huge = Buffer.concat([photo().bytes, Buffer.alloc(1024 * 1024)])
    await refused({ ...photo(), bytes: huge }, 'larger than the 1.0 MB')
    const cut = photo().bytes.subarray(0, -40)
    await refused({ ...photo(), bytes: cut }, 'can not read that picture')
    await refused({ ...photo(), bytes: Buffer.from('%PDF-1.7 not a picture at all') }, 'this is PDF')
    const bomb = Buffer.from(photo().bytes)
    const frame = bomb.indexOf(Buffer.from([0xff, 0xc0]))
    bomb.fill(0xff, frame + 5, frame + 9)
    await refused({ ...photo(), bytes: bomb }, 'million pixels')
    expect([submissions(house), uploads(house)]).toEqual([0, 0])
  })

  test.runIf(stage.captions)(
    'a template that takes no picture says so, and nothing is submitted',
    async ({ onTestFinished }) => {
      const { house, ann } = await stage.open(onTestFinished, wanted)
      await ann.send({ text: '/run portrait a red fox', file: photo() })
      expect((await ann.shows('portrait takes no picture')).text).toContain('img2img')
      expect([submissions(house), uploads(house)]).toEqual([0, 0])
    },
  )
}

import { inflateSync } from 'node:zlib'
import { imageSize } from 'image-size'
import { describe, expect, test } from 'vitest'
import { got, openStage, pick, type Stage } from './kit.ts'

interface Ref {
  readonly filename: string
  readonly subfolder: string
  readonly type: string
}

const outputs = async (stage: Stage, template: string, inputs: object = {}) => {
  const id = await stage.run(template, inputs)
  const { body } = await stage.call('GET', `/history/${id}`)
  const nodes = pick(body, `${id}.outputs`) as Record<string, Record<string, unknown>>
  return Object.values(nodes)[0] ?? {}
}
const view = async (stage: Stage, ref: Ref, more: Record<string, string> = {}) => {
  const query = new URLSearchParams({ filename: ref.filename, subfolder: ref.subfolder, type: ref.type, ...more })
  return got(await fetch(`${stage.sim.url}/view?${query}`))
}
const small = { width: 64, height: 48, steps: 1 }

describe('every template makes what it promises, and the file is what it says', () => {
  test.for([
    { template: 'portrait', key: 'images', mime: 'image/png', format: 'png', count: 1 },
    { template: 'landscape', key: 'images', mime: 'image/png', format: 'png', count: 1 },
    { template: 'many', key: 'images', mime: 'image/png', format: 'png', count: 6 },
    { template: 'preview_only', key: 'images', mime: 'image/png', format: 'png', count: 1 },
    { template: 'img2img', key: 'images', mime: 'image/png', format: 'png', count: 1 },
    { template: 'animation', key: 'images', mime: 'image/webp', format: 'webp', count: 1 },
    { template: 'loop', key: 'gifs', mime: 'image/gif', format: 'gif', count: 1 },
    { template: 'video', key: 'images', mime: 'video/mp4', format: 'ftypisom', count: 1 },
    { template: 'clip', key: 'audio', mime: 'audio/x-wav', format: 'RIFF', count: 1 },
    { template: 'note', key: 'files', mime: 'text/plain', format: 'a red fox', count: 1 },
  ])('$template', async ({ template, key, mime, format, count }) => {
    await using stage = await openStage()
    const output = await outputs(stage, template, small)
    const refs = output[key] as Ref[]
    expect(refs).toHaveLength(count)
    expect(output.animated).toEqual(['animation', 'video'].includes(template) ? [true] : undefined)
    for (const ref of refs) {
      expect(ref.type).toBe(template === 'preview_only' ? 'temp' : 'output')
      const file = await view(stage, ref)
      expect(file.headers.get('content-type')).toBe(mime)
      expect(file.headers.get('content-length')).toBe(String(file.bytes.length))
      expect(file.headers.get('content-disposition')).toBe(`filename="${ref.filename}"`)
      if (mime.startsWith('image/')) expect(imageSize(file.bytes).type).toBe(format)
      else expect(file.bytes.subarray(0, 40).toString('latin1')).toContain(format)
    }
  })

  test('story', async () => {
    await using stage = await openStage()
    const { text } = await outputs(stage, 'story', { prompt: 'a brave kettle' })
    expect(text).toEqual([expect.stringContaining('a brave kettle')])
  })
})

test('a picture depends on prompt, seed and size, and on nothing else', async () => {
  await using stage = await openStage({ cache: false })
  const paint = async (inputs: object) => {
    const { images } = await outputs(stage, 'portrait', { ...small, ...inputs })
    return (await view(stage, (images as Ref[])[0] as Ref)).bytes
  }
  const first = await paint({ prompt: 'a fox', seed: '1' })
  expect(imageSize(first)).toMatchObject({ width: 64, height: 48 })
  expect((await paint({ prompt: 'a fox', seed: '1' })).equals(first)).toBe(true)
  expect((await paint({ prompt: 'a fox', seed: '2' })).equals(first)).toBe(false)
  expect((await paint({ prompt: 'a cat', seed: '1' })).equals(first)).toBe(false)
})

test('the pictures of a batch differ', async () => {
  await using stage = await openStage()
  const { images } = await outputs(stage, 'many', small)
  const files = await Promise.all(
    (images as Ref[]).map(async (ref) => (await view(stage, ref)).bytes.toString('base64')),
  )
  expect(new Set(files).size).toBe(6)
})

test('a big file is exactly as big as asked for, and still a picture', async () => {
  await using stage = await openStage()
  const { images } = await outputs(stage, 'big', { ...small, bytes: 3_000_000 })
  const { bytes } = await view(stage, (images as Ref[])[0] as Ref)
  expect(bytes.length).toBe(3_000_000)
  expect(imageSize(bytes)).toMatchObject({ type: 'png', width: 64, height: 48 })
})

test('previews are re-encoded in the format and quality asked for, and smaller', async () => {
  await using stage = await openStage()
  const { images } = await outputs(stage, 'portrait', { ...small, width: 160, height: 160 })
  const ref = (images as Ref[])[0] as Ref
  const original = await view(stage, ref)
  const sizes = []
  for (const preview of ['jpeg;90', 'jpeg;40', 'webp;80']) {
    const file = await view(stage, ref, { preview })
    const format = preview.slice(0, 4)
    expect(file.headers.get('content-type')).toBe(`image/${format}`)
    expect(imageSize(file.bytes)).toMatchObject({ type: format === 'jpeg' ? 'jpg' : 'webp', width: 160, height: 160 })
    sizes.push(file.bytes.length)
  }
  expect(Math.max(...sizes)).toBeLessThan(original.bytes.length)
  expect(sizes[1]).toBeLessThan(sizes[0] ?? 0)
  // Anything else than jpeg means webp.
  expect((await view(stage, ref, { preview: 'gif' })).headers.get('content-type')).toBe('image/webp')
})

test('an uploaded picture decides what img2img makes of it', async () => {
  await using stage = await openStage()
  const upload = async (bytes: number[]) => {
    const form = new FormData()
    form.set('image', new Blob([new Uint8Array(bytes)], { type: 'image/png' }), 'mine.png')
    const answer = await got(await fetch(`${stage.sim.url}/upload/image`, { method: 'POST', body: form }))
    return String(pick(answer.body, 'name'))
  }
  const names = [await upload([1, 2, 3]), await upload([4, 5, 6]), await upload([1, 2, 3])]
  expect(names).toEqual(['mine.png', 'mine (1).png', 'mine.png'])
  const made = []
  for (const image of names.slice(0, 2)) {
    const { images } = await outputs(stage, 'img2img', { image, steps: 1 })
    made.push((await view(stage, (images as Ref[])[0] as Ref)).bytes)
  }
  expect(made[0]?.equals(made[1] as Buffer)).toBe(false)
  const kept = await view(stage, { filename: 'mine (1).png', subfolder: '', type: 'input' })
  expect([...kept.bytes]).toEqual([4, 5, 6])
  const refused = await stage.call('POST', '/openclaw/triggers/fire', {
    template_id: 'img2img',
    inputs: { image: 'no.png' },
  })
  expect(refused.body).toEqual({ error: 'Queue submission failed: 400' })
})

test('a picture overwritten under its name is not taken for the one before', async () => {
  await using stage = await openStage()
  const sources = []
  for (const byte of [1, 2]) {
    const form = new FormData()
    form.set('image', new Blob([new Uint8Array([byte])], { type: 'image/png' }), 'same.png')
    form.set('overwrite', 'true')
    await fetch(`${stage.sim.url}/upload/image`, { method: 'POST', body: form })
    sources.push((await outputs(stage, 'img2img', { image: 'same.png', steps: 1 })).images)
  }
  expect(sources[0]).not.toEqual(sources[1])
})

test('the PNG holds its rows: filter bytes, width and height agree with the pixels', async () => {
  await using stage = await openStage()
  const { images } = await outputs(stage, 'portrait', small)
  const { bytes } = await view(stage, (images as Ref[])[0] as Ref)
  const at = bytes.indexOf('IDAT')
  const rows = inflateSync(bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at - 4)))
  expect(rows.length).toBe(48 * (1 + 64 * 3))
  expect(new Set(Array.from({ length: 48 }, (_, y) => rows[y * (1 + 64 * 3)]))).toEqual(new Set([2]))
})

test('files stay after a crash, as they do on a disk', async () => {
  await using stage = await openStage()
  const { images } = await outputs(stage, 'portrait', small)
  await stage.sim.control.restart()
  expect((await view(stage, (images as Ref[])[0] as Ref)).status).toBe(200)
})

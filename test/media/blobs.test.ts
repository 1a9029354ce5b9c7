import { spawn } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { kept, newId, openIn, streamOf, tempDir } from './media-kit.ts'
import { png } from './samples.ts'

const options = { name: 'fox.png', maxBytes: 1000 }

describe('put', () => {
  test('keeps the bytes, and tells what they are', async () => {
    const dir = await tempDir()
    const blobs = await openIn(dir)
    const picture = png(64, 48)
    const put = await blobs.put(streamOf(picture.subarray(0, 10), picture.subarray(10)), {
      name: 'ComfyUI_00001_.jpg',
      mimeHint: 'image/jpeg',
      maxBytes: 200_000,
    })
    expect(put).toEqual({
      ok: true,
      blob: {
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        kind: 'image',
        mime: 'image/png',
        bytes: picture.length,
        width: 64,
        height: 48,
      },
    })
    const id = put.ok ? put.blob.id : ''
    const blob = await blobs.open(id)
    expect(blob.type).toBe('image/png')
    expect(new Uint8Array(await blob.arrayBuffer())).toEqual(picture)
    expect(await readdir(dir)).toEqual([`${id}-ComfyUI_00001_.png`])
  })

  test('makes folder and files readable for us alone', async () => {
    const dir = join(await tempDir(), 'state', 'media')
    const blobs = await openIn(dir)
    await kept(blobs, 'hello')
    const [file = ''] = await readdir(dir)
    expect((await stat(dir)).mode & 0o777).toBe(0o700)
    expect((await stat(join(dir, file))).mode & 0o777).toBe(0o600)
  })

  test('takes nothing dangerous from a name', async () => {
    const dir = await tempDir()
    const blobs = await openIn(dir)
    for (const name of ['../../etc/passwd', '..', '', 'ü\n".html', 'a/b\\c.png', 'x'.repeat(5000)])
      await kept(blobs, 'hi', name)
    for (const file of await readdir(dir)) expect(file).toMatch(/^[0-9a-f]{32}(-[A-Za-z0-9_-]{1,64})?\.(txt|html)$/)
  })

  test.each([
    ['more than its limit', 'too_large', { maxBytes: 9 }, 1_000_000],
    ['more than the store has room for', 'full', { maxBytes: 1000 }, 9],
  ] as const)('refuses %s, ends the transfer and leaves nothing', async (_, why, over, maxTotalBytes) => {
    const dir = await tempDir()
    const blobs = await openIn(dir, { maxTotalBytes })
    let cancelled = false
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(Buffer.from('12345')),
      cancel: () => {
        cancelled = true
      },
    })
    expect(await blobs.put(endless, { ...options, ...over })).toEqual({ ok: false, why })
    expect(cancelled).toBe(true)
    expect(await readdir(dir)).toEqual([])
    expect(blobs.usage().bytes).toBe(0)
  })

  test('takes exactly its limit', async () => {
    const blobs = await openIn(await tempDir(), { maxTotalBytes: 5 })
    expect((await blobs.put(streamOf('12345'), { name: 'x', maxBytes: 5 })).ok).toBe(true)
  })

  test('keeps nothing of a transfer that broke', async () => {
    const dir = await tempDir()
    const blobs = await openIn(dir)
    let pulls = 0
    const broken = new ReadableStream<Uint8Array>({
      pull: (controller) => (pulls++ ? controller.error(new Error('reset')) : controller.enqueue(Buffer.from('12345'))),
    })
    expect(await blobs.put(broken, options)).toEqual({ ok: false, why: 'interrupted' })
    expect(await readdir(dir)).toEqual([])
    expect(blobs.usage()).toMatchObject({ bytes: 0, files: 0 })
  })

  test('stays below the total with many writes at once', async () => {
    const dir = await tempDir()
    const blobs = await openIn(dir, { maxTotalBytes: 1000 })
    const puts = await Promise.all(
      Array.from({ length: 20 }, () => blobs.put(streamOf('x'.repeat(50), 'x'.repeat(50)), options)),
    )
    const files = await readdir(dir)
    expect(files.length).toBe(puts.filter(({ ok }) => ok).length)
    expect(files.length).toBeLessThanOrEqual(10)
    expect(blobs.usage().bytes).toBe(files.length * 100)
  })

  test('rejects, ends the transfer and gives the room back when the disk fails', async () => {
    const dir = await tempDir()
    const blobs = await openIn(dir)
    await rm(dir, { recursive: true })
    const cancelled = Promise.withResolvers<void>()
    const source = new ReadableStream<Uint8Array>({ cancel: () => cancelled.resolve() })
    await expect(blobs.put(source, options)).rejects.toThrow('ENOENT')
    await cancelled.promise
    expect(blobs.usage().bytes).toBe(0)
  })

  test('of 50 MB grows memory by 32 MB at most', async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'put-large.ts'), await tempDir()])
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
    expect(err.replace(/.*(ExperimentalWarning|node --trace).*\n/g, '')).toBe('')
    const { bytes, grownBytes } = JSON.parse(out) as { bytes: number; grownBytes: number }
    expect(bytes).toBe(50 * 1024 * 1024)
    expect(grownBytes).toBeLessThan(32 * 1024 * 1024)
  })
})

describe('read', () => {
  test('gives the range, also when the file is removed meanwhile', async () => {
    const blobs = await openIn(await tempDir())
    const id = await kept(blobs, 'x'.repeat(100_000))
    const stream = await blobs.read(id, { start: 10, end: 90_010 })
    await blobs.remove([id])
    expect(await new Response(stream).text()).toBe('x'.repeat(90_000))
    expect(await blobs.read(id, { start: 0, end: 1 })).toBeNull()
  })

  test('gives nothing of a file that is empty', async () => {
    const blobs = await openIn(await tempDir())
    expect(await new Response(await blobs.read(await kept(blobs, ''), { start: 0, end: 0 })).text()).toBe('')
  })

  test('knows neither a file that was taken away nor one that was changed', async () => {
    const dir = await tempDir()
    const blobs = await openIn(dir)
    const id = await kept(blobs, 'hello')
    for (const file of await readdir(dir)) await writeFile(join(dir, file), 'hello, longer')
    await expect(blobs.open(id)).rejects.toThrow('no longer kept')
    for (const file of await readdir(dir)) await unlink(join(dir, file))
    expect(await blobs.read(id, { start: 0, end: 5 })).toBeNull()
    expect(blobs.usage()).toMatchObject({ files: 0, bytes: 0 })
  })
})

describe('after a restart', () => {
  test('everything is found again by id alone, and counted', async () => {
    const dir = await tempDir()
    const id = await kept(await openIn(dir, { now: () => 5_000_000 }), png(3, 4), 'My fox!.png')
    const blobs = await openIn(dir)
    expect(blobs.stat(id)).toMatchObject({ id, name: 'My_fox_.png', bytes: png(3, 4).length, createdMs: 5_000_000 })
    expect(blobs.stat(id)?.format.mime).toBe('image/png')
    expect((await blobs.open(id)).size).toBe(png(3, 4).length)
    expect(blobs.usage()).toMatchObject({ files: 1, bytes: png(3, 4).length })
  })

  test('writes that never ended are gone', async () => {
    const dir = await tempDir()
    await writeFile(join(dir, `${newId()}.part`), 'half')
    await openIn(dir)
    expect(await readdir(dir)).toEqual([])
  })
})

describe('remove and sweep', () => {
  test('remove gives the room back once, and knows no more of the blob', async () => {
    const dir = await tempDir()
    const blobs = await openIn(dir)
    const id = await kept(blobs, 'hello')
    await Promise.all([blobs.remove([id, id]), blobs.remove([id]), blobs.remove([newId()])])
    expect(blobs.usage()).toMatchObject({ files: 0, bytes: 0 })
    expect(blobs.stat(id)).toBeNull()
    await expect(blobs.open(id)).rejects.toThrow('no longer kept')
    expect(await readdir(dir)).toEqual([])
  })

  test('sweep removes what is old and not needed', async () => {
    let nowMs = 1_000_000
    const blobs = await openIn(await tempDir(), { now: () => nowMs })
    const needed = await kept(blobs, 'needed')
    const old = await kept(blobs, 'old!')
    nowMs += 10_000
    const young = await kept(blobs, 'young')
    const swept = await blobs.sweep({ keep: (id) => id === needed, olderThanMs: 5000 })
    expect(swept).toEqual({ removed: 1, bytes: 4 })
    expect([needed, old, young].map((id) => blobs.stat(id) !== null)).toEqual([true, false, true])
  })

  test('neither start nor sweep touches a file that is not ours', async () => {
    const dir = await tempDir()
    const id = newId()
    const foreign = ['photo.png', `${id}.png.bak`, `${id}x.png`, 'abc.part', `${id.toUpperCase()}.png`, `${id}-a b.png`]
    for (const file of foreign) {
      await writeFile(join(dir, file), 'mine')
      await utimes(join(dir, file), 1, 1)
    }
    await mkdir(join(dir, `${newId()}.png`))
    await symlink(join(dir, 'photo.png'), join(dir, `${newId()}.png`))
    const before = (await readdir(dir)).sort()
    const blobs = await openIn(dir)
    expect(await blobs.sweep({ keep: () => false, olderThanMs: 0 })).toEqual({ removed: 0, bytes: 0 })
    expect((await readdir(dir)).sort()).toEqual(before)
    expect(await readFile(join(dir, 'photo.png'), 'utf8')).toBe('mine')
  })

  test('start narrows a folder that others could read', async () => {
    const dir = await tempDir()
    await chmod(dir, 0o755)
    await openIn(dir)
    expect((await stat(dir)).mode & 0o777).toBe(0o700)
  })
})

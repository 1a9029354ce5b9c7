import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Capabilities } from '../../src/contract/index.ts'
import { fitTexts } from '../../src/jobs/long-text.ts'
import { openBlobs } from '../../src/media/blobs.ts'
import { capabilities } from '../delivery/plan-kit.ts'
import { makeClock, tempDir } from '../kit/core.ts'
import { keepingLog } from '../kit/deps.ts'

const file = { as: 'document', by: 'upload', maxBytes: 5e6, mime: ['*/*'], caption: 100, album: 1 } as const
const takesFiles: Partial<Capabilities> = {
  text: { max: 1000, unit: 'utf16', markup: 'plain' },
  media: { image: [], video: [], audio: [], file: [file] },
}
const takesNone: Partial<Capabilities> = { ...takesFiles, media: { image: [], video: [], audio: [], file: [] } }
const job = { platform: 'fake', id: '0a1b2c3d-9999' }

const rig = async (caps: Partial<Capabilities>, maxTotalBytes = 5e6) => {
  const newId = () => randomBytes(16).toString('hex')
  const blobs = await openBlobs({ dir: tempDir(), maxTotalBytes, now: makeClock().now, newId, log: keepingLog() })
  return { blobs, canLink: false, capabilities: () => capabilities(caps) }
}

test('texts that a few messages hold go into the message as they are', async () => {
  const deps = await rig(takesFiles)
  const texts = ['a'.repeat(1400), 'b'.repeat(1500)]
  expect(await fitTexts(texts, job, deps)).toEqual({ words: texts, file: null })
  expect(deps.blobs.usage().files).toBe(0)
})

test('longer ones come as one file with all of them, and the message shows how they begin', async () => {
  const deps = await rig(takesFiles)
  const texts = Array.from({ length: 50 }, (_, i) => `${i} ${'ü'.repeat(20_000)}`)
  const { words, file } = await fitTexts(texts, job, deps)
  expect(words.join('\n').length).toBeLessThan(800)
  expect(words[0]?.startsWith('0 üü')).toBe(true)
  expect(words[1]).toBe(`The whole text (${texts.join('\n').length} characters) is in text-0a1b2c3d.txt.`)
  expect(file).toMatchObject({ kind: 'file', name: 'text-0a1b2c3d.txt', mime: 'text/plain' })
  const kept = await deps.blobs.open(file?.blob ?? '')
  expect([await kept.text(), kept.size]).toEqual([texts.join('\n'), file?.bytes])
})

test('nobody reads twelve thousand characters in a chat, however long its messages may be', async () => {
  const deps = await rig({ ...takesFiles, text: { max: 100_000, unit: 'utf16', markup: 'plain' } })
  expect((await fitTexts(['x'.repeat(12_000)], job, deps)).file).toBeNull()
  expect((await fitTexts(['x'.repeat(12_001)], job, deps)).file).not.toBeNull()
})

test('where no file can be handed over, the beginning is shown and it is said where the rest is', async () => {
  const deps = await rig(takesNone)
  const { words, file } = await fitTexts(['x'.repeat(9000)], job, deps)
  expect(file).toBeNull()
  expect(words[0]).toHaveLength(3000)
  expect(words[1]).toMatch(/^The text has 9000 characters.+ComfyUI's own history/)
  expect(deps.blobs.usage().files).toBe(0)
})

test('without room for the file the beginning is shown and that is said', async () => {
  const deps = await rig(takesFiles, 100)
  const { words, file } = await fitTexts(['x'.repeat(9000)], job, deps)
  expect([file, words[0]?.length]).toEqual([null, 3000])
  expect(words[1]).toContain('no room left')
})

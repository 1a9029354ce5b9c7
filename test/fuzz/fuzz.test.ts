import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { mutateJson } from './json.ts'
import { kakao } from './kakao.ts'
import { seeded } from './random.ts'
import { fuzzTelegram } from './telegram.ts'
import { fuzzWebhook } from './webhook.ts'

const dir = mkdtempSync(join(tmpdir(), 'connector-fuzz-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

// The long version is `npm run fuzz`.
const options = { count: 500, seed: 1, dir, say: () => {} }

describe('the mutator', () => {
  const sample = { '': 1, ['__proto__']: 2, list: [1, { deep: 'text' }], object: { toString: 'x' } }

  it('gives JSON whatever it does to it, and the same for the same seed', () => {
    const texts = (seed: number): readonly string[] => {
      const random = seeded(seed)
      return Array.from({ length: 2000 }, () => mutateJson(sample, random))
    }
    const all = texts(7)
    for (const text of all) expect(() => JSON.parse(text)).not.toThrow()
    expect(new Set(all).size).toBeGreaterThan(500)
    expect(texts(7)).toEqual(all)
  })
})

describe('a daemon that is given bad input', () => {
  it('answers damaged requests without an error of its own, and goes on', async () => {
    const { problems, counts } = await fuzzWebhook(kakao, options)
    expect(problems).toEqual([])
    expect(counts.get('200')).toBeGreaterThan(100)
  })

  it('gets past damaged updates and answers the next sound one', async () => {
    const { problems, counts } = await fuzzTelegram(options)
    expect(problems).toEqual([])
    expect(counts.get('with an id')).toBeGreaterThan(400)
  })
})

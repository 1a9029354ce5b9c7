import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { kakao } from './kakao.ts'
import { fuzzTelegram } from './telegram.ts'
import { fuzzWebhook } from './webhook.ts'

const dir = mkdtempSync(join(tmpdir(), 'connector-fuzz-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

// The long version is `npm run fuzz`.
const options = { count: 500, seed: 1, dir, say: () => {} }

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

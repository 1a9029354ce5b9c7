import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { mutateJson } from './json.ts'
import { openKakao } from './kakao.ts'
import { openLine } from './line.ts'
import { seeded } from './random.ts'
import { fuzzTelegram } from './telegram.ts'
import { fuzzWebhook } from './webhook.ts'
import { openSafeWechat, openWechat } from './wechat.ts'
import { openWhatsapp } from './whatsapp.ts'
import { mutateXml } from './xml.ts'

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

describe('the mutator of XML', () => {
  const seed = '<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Content><![CDATA[/help]]></Content></xml>'

  it('makes much of one message, and the same for the same seed', () => {
    const texts = (seedOf: number): readonly string[] => {
      const random = seeded(seedOf)
      return Array.from({ length: 2000 }, () => mutateXml(seed, random))
    }
    const all = texts(7)
    expect(new Set(all).size).toBeGreaterThan(1000)
    for (const trick of ['<!ENTITY e10', '<__proto__>', '<![CDATA[<![CDATA[', '<a><a><a>', '&#x110000;'])
      expect(all.some((text) => text.includes(trick))).toBe(true)
    expect(texts(7)).toEqual(all)
  })
})

const targets = {
  KakaoTalk: openKakao,
  LINE: openLine,
  WhatsApp: openWhatsapp,
  WeChat: openWechat,
  'WeChat in safe mode': openSafeWechat,
}

describe('a daemon that is given bad input', () => {
  for (const [name, open] of Object.entries(targets)) {
    it(`answers damaged requests of ${name} without an error of its own, and goes on`, async () => {
      const { problems, counts } = await fuzzWebhook(open, options)
      expect(problems).toEqual([])
      expect(counts.get('200')).toBeGreaterThan(50)
    })
  }

  it('gets past damaged updates and answers the next sound one', async () => {
    const { problems, counts } = await fuzzTelegram(options)
    expect(problems).toEqual([])
    expect(counts.get('with an id')).toBeGreaterThan(400)
  })
})

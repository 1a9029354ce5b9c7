import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openDiscord } from './discord.ts'
import { openFeishu } from './feishu.ts'
import { openFeishuConnection } from './feishu-connection.ts'
import { mutateForm } from './form.ts'
import { mutateJson } from './json.ts'
import { openKakao } from './kakao.ts'
import { openLine } from './line.ts'
import { seeded } from './random.ts'
import { openSlack } from './slack.ts'
import { openSlackSocket } from './slack-socket.ts'
import { fuzzStream } from './stream.ts'
import { fuzzTelegram } from './telegram.ts'
import { fuzzWebhook } from './webhook.ts'
import { openSafeWechat, openWechat } from './wechat.ts'
import { openWhatsapp } from './whatsapp.ts'
import { mutateXml } from './xml.ts'

const dir = mkdtempSync(join(tmpdir(), 'connector-fuzz-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

// The long version is `npm run fuzz`.
const options = { count: 500, seed: 1, dir, say: () => {} }
const few = { ...options, count: 200 }

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

describe('the mutator of forms', () => {
  const seed = Buffer.from(new URLSearchParams({ payload: '{"type":"block_actions"}', text: '/help' }).toString())

  it('makes much of one form, in its payload too, and the same for the same seed', () => {
    const bodies = (seedOf: number): readonly Buffer[] => {
      const random = seeded(seedOf)
      return Array.from({ length: 400 }, () => mutateForm(seed, random))
    }
    const all = bodies(7)
    expect(new Set(all.map((body) => body.toString('latin1'))).size).toBeGreaterThan(200)
    const payloads = all.map((body) => new URLSearchParams(body.toString('utf8')).get('payload') ?? '')
    expect(payloads.filter((text) => text.includes('block_actions') && text.length > 24).length).toBeGreaterThan(5)
    expect(bodies(7)).toEqual(all)
  })
})

const targets = {
  KakaoTalk: openKakao,
  LINE: openLine,
  WhatsApp: openWhatsapp,
  WeChat: openWechat,
  'WeChat in safe mode': openSafeWechat,
}
const signed = { Slack: openSlack, Feishu: openFeishu }
const streams = { Discord: openDiscord, Feishu: openFeishuConnection, Slack: openSlackSocket }

describe('a daemon that is given bad input', () => {
  for (const [name, open] of Object.entries(targets)) {
    it(`answers damaged requests of ${name} without an error of its own, and goes on`, async () => {
      const { problems, counts } = await fuzzWebhook(open, options)
      expect(problems).toEqual([])
      expect(counts.get('200')).toBeGreaterThan(50)
    })
  }

  it(`answers damaged, proven requests of ${Object.keys(signed).join(', ')} in the same way`, async () => {
    const reports = await Promise.all(Object.values(signed).map((open) => fuzzWebhook(open, few)))
    expect(reports.flatMap(({ problems }) => problems)).toEqual([])
    for (const { counts } of reports) expect(counts.get('200')).toBeGreaterThan(30)
  })

  it(`reads on through damaged frames, and connects anew to ${Object.keys(streams).join(', ')}`, async () => {
    const reports = await Promise.all(Object.values(streams).map((open) => fuzzStream(open, few)))
    expect(reports.flatMap(({ problems }) => problems)).toEqual([])
    for (const { notes } of reports) expect(notes).toContainEqual(expect.stringContaining('on again after'))
  })

  it('gets past damaged updates and answers the next sound one', async () => {
    const { problems, counts } = await fuzzTelegram(options)
    expect(problems).toEqual([])
    expect(counts.get('with an id')).toBeGreaterThan(400)
  })
})

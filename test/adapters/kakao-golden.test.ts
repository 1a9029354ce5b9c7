import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Body } from '../../src/contract/index.ts'
import { readSkillResponse } from '../platforms/kakao-rules.ts'
import { botId, golden, goldenJson, makeKakao, receiveEvent, request, secret } from './kakao-kit.ts'

interface Case {
  readonly file: string
  readonly headers: Readonly<Record<string, string>>
  readonly expect:
    | { readonly kind: 'reject'; readonly status: number }
    | { readonly kind: 'answer'; readonly says: string }
    | {
        readonly kind: 'events'
        readonly from: string
        readonly aliases?: readonly string[]
        readonly body: Body
        readonly media?: readonly string[]
        readonly callback?: string
      }
}

const cases = goldenJson<readonly Case[]>('skill-cases.json')
const responses = goldenJson<readonly { readonly file: string; readonly valid: boolean }[]>('resp-cases.json')
const nowMs = 1_773_619_200_000

describe('recorded skill requests', () => {
  it.each(cases)('$file is taken as expected', async ({ file, headers, expect: wanted }) => {
    const kakao = makeKakao({ WEBHOOK_SECRET: secret, BOT_ID: botId }, { now: () => nowMs })
    const verdict = await kakao.receive(request(golden(file), headers))
    expect(verdict.kind).toBe(wanted.kind)

    if (verdict.kind === 'reject' && wanted.kind === 'reject') expect(verdict.status).toBe(wanted.status)
    if (verdict.kind === 'answer' && wanted.kind === 'answer') {
      expect(verdict.answer.status).toBe(200)
      const reading = readSkillResponse(verdict.answer.body, { promise: false })
      expect(reading).toMatchObject({ kind: 'shown', bubbles: [{ text: `<${wanted.says}>` }] })
    }
    if (verdict.kind === 'events' && wanted.kind === 'events') {
      const event = verdict.events[0]!
      expect(verdict.events).toHaveLength(1)
      expect(event.from.id).toBe(wanted.from)
      if (wanted.aliases) expect(event.from.aliases).toEqual(wanted.aliases)
      expect(event.body).toEqual(wanted.body)
      expect(event.media.map(({ ref }) => ref)).toEqual(wanted.media ?? [])
      expect(event.handle?.value).toBe(wanted.callback)
      expect(event).toMatchObject({
        at: nowMs,
        proof: 'secret',
        where: { platform: 'kakao', account: botId, chat: wanted.from, kind: 'dm' },
      })
      expect(JSON.parse(JSON.stringify(event))).toEqual(event)
      expect(readSkillResponse(verdict.ack.body, { promise: false }).kind).toBe('shown')
    }
  })

  it('covers every recorded request', () => {
    const recorded = readdirSync(new URL('../golden/kakao/', import.meta.url)).filter(
      (file) => file.startsWith('skill-') && file !== 'skill-cases.json',
    )
    expect(cases.map(({ file }) => file).toSorted()).toEqual(recorded.toSorted())
  })

  it('leaves no trace of keys that pollute prototypes', async () => {
    const kakao = makeKakao()
    await kakao.receive(request(golden('skill-proto-keys.json'), { 'x-kakao-webhook-secret': secret }))
    expect(({} as Record<string, unknown>).isAdmin).toBeUndefined()
  })

  it('gives a repeated request the id of the first, and the same words typed later a new one', async () => {
    const kakao = makeKakao()
    const deliver = (file: string) =>
      receiveEvent(kakao, request(golden(file), cases.find((one) => one.file === file)!.headers))
    const first = await deliver('skill-duplicate-first.json')
    expect((await deliver('skill-duplicate-second.json')).id).toBe(first.id)
    expect((await deliver('skill-repeat-new-request.json')).id).not.toBe(first.id)
  })
})

describe('the fake KakaoTalk', () => {
  it.each(responses)('shows $file or an error bubble, as the real one', ({ file, valid }) => {
    const reading = readSkillResponse(golden(file).toString('utf8'), { promise: true })
    expect(reading.kind !== 'error').toBe(valid)
  })
})

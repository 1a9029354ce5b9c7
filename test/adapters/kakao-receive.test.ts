import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sameSecret } from '../../adapters/kit/hmac.ts'
import { never } from '../kit/adapter.ts'
import { startFakeKakao } from '../platforms/kakao.ts'
import { readSkillResponse } from '../platforms/kakao-rules.ts'
import { ann, botId, makeKakao, receiveEvent, request, secret, skillRequest } from './kakao-kit.ts'

const withSecret = { 'x-kakao-webhook-secret': secret }

describe('who is proven', () => {
  it('compares secrets by value, of any length', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => sameSecret(a, b) === (a === b) && sameSecret(a, a)))
  })

  it('refuses a wrong secret before it looks at the body', async () => {
    const untouchable = {
      ...request('', { 'x-kakao-webhook-secret': 'guess' }),
      get body(): Uint8Array {
        throw new Error('the body was touched')
      },
    }
    expect(await makeKakao().receive(untouchable)).toMatchObject({ kind: 'reject', status: 401 })
  })

  it('proves nobody when no secret is configured, whatever header comes', async () => {
    for (const settings of [{}, { WEBHOOK_SECRET: '' }] as Record<string, string>[]) {
      for (const header of [secret, '']) {
        const event = await receiveEvent(makeKakao(settings), skillRequest({}, { 'x-kakao-webhook-secret': header }))
        expect(event.proof).toBe('none')
      }
    }
  })

  it('takes the bot and its development channel, and no other bot', async () => {
    const kakao = makeKakao({ WEBHOOK_SECRET: secret, BOT_ID: `${botId}!` })
    const of = (bot: unknown) =>
      kakao.receive(request(JSON.stringify({ bot, userRequest: { user: { id: ann }, utterance: 'a' } }), withSecret))
    expect((await of({ id: botId })).kind).toBe('events')
    expect((await of({ id: `${botId}!` })).kind).toBe('events')
    expect(await of({ id: `${botId}!!` })).toMatchObject({ kind: 'reject', status: 403 })
    expect((await of({ id: 7 })).kind).toBe('answer')
    expect((await of(undefined)).kind).toBe('answer')
  })

  it('refuses what the fake platform forges', async () => {
    const fake = await startFakeKakao()
    onTestFinished(fake.close)
    const kakao = makeKakao(fake.settings)
    for (const { name, call, status } of fake.forgeries()) {
      const verdict = await kakao.receive(request(call.body, call.headers))
      expect(verdict, name).toMatchObject({ kind: 'reject', status })
    }
  })
})

describe('one act, one id', () => {
  it('knows a request by its X-Request-Id, so that typing the same again is a new act', async () => {
    const kakao = makeKakao()
    const ids = await Promise.all(
      ['r-1', 'r-1', 'r-2'].map(async (id) => (await receiveEvent(kakao, skillRequest({}, { 'x-request-id': id }))).id),
    )
    expect(ids[0]).toBe(ids[1])
    expect(ids[2]).not.toBe(ids[0])
    expect(ids[0]).toMatch(/^kakao:default:[0-9a-f]{32}:r-1$/)
  })

  it('never takes two people for one, even if a proxy gives every request the same id', async () => {
    const kakao = makeKakao()
    const [a, b] = await Promise.all(
      ['user-a', 'user-b'].map((id) => receiveEvent(kakao, skillRequest({ user: { id } }, { 'x-request-id': 'same' }))),
    )
    expect(a?.id).not.toBe(b?.id)
  })

  it('knows a request without id by its callback address', async () => {
    const kakao = makeKakao()
    const at = (n: number) => ({ callbackUrl: `https://bot-api.kakao.com/v1/callback/${n}` })
    const first = await receiveEvent(kakao, skillRequest(at(1)))
    expect((await receiveEvent(kakao, skillRequest(at(1)))).id).toBe(first.id)
    expect((await receiveEvent(kakao, skillRequest(at(2)))).id).not.toBe(first.id)
  })

  it('takes equal bytes without id for one act during five seconds only', async () => {
    let nowMs = 1_000_000
    const kakao = makeKakao({ WEBHOOK_SECRET: secret }, { now: () => nowMs })
    const first = await receiveEvent(kakao, skillRequest())
    nowMs += 4_999
    expect((await receiveEvent(kakao, skillRequest())).id).toBe(first.id)
    nowMs += 1
    const later = await receiveEvent(kakao, skillRequest())
    expect(later.id).not.toBe(first.id)
    expect((await receiveEvent(kakao, skillRequest({ utterance: '/help' }))).id).not.toBe(later.id)
  })

  it('keeps ids short and plain, however long the request id', async () => {
    const event = await receiveEvent(makeKakao(), skillRequest({}, { 'x-request-id': 'ü:x '.repeat(900) }))
    expect(event.id).toMatch(/^[\w:.-]{1,120}$/)
  })
})

describe('what is read of a request', () => {
  it('turns a button’s token into a press and leaves any other extra alone', async () => {
    const kakao = makeKakao()
    const pressed = async (clientExtra: unknown) => {
      const body = { action: { clientExtra }, userRequest: { user: { id: ann }, utterance: '승인' } }
      return (await receiveEvent(kakao, request(JSON.stringify(body), withSecret))).body
    }
    expect(await pressed({ token: 'act_1', other: 1 })).toEqual({ kind: 'press', action: 'act_1' })
    for (const extra of [null, 'null', {}, [], { token: 7 }, { token: '' }, { token: 'a b' }, { action: 'approve' }]) {
      expect(await pressed(extra)).toEqual({ kind: 'text', text: '승인', addressed: true })
    }
  })

  it('trims no-break and ideographic spaces and composes Hangul', async () => {
    const utterance = '\u3000\u00a0／run 한글\u00a0'.normalize('NFD')
    const event = await receiveEvent(makeKakao(), skillRequest({ utterance }))
    expect(event.body).toMatchObject({ text: '/run 한글' })
  })

  it('keeps every id of the person, once, and nothing malformed among them', async () => {
    const properties = { botUserKey: ann, plusfriendUserKey: 'pf', plusfriend_user_key: 'pf', bot_user_key: 'a b' }
    const event = await receiveEvent(makeKakao(), skillRequest({ user: { id: ann, properties } }))
    expect(event.from).toEqual({ id: ann, aliases: ['pf'], self: false, bot: false })
  })

  it('logs where a foreign callback address leads, and not the address', async () => {
    const kakao = makeKakao()
    for (const callbackUrl of [
      'http://bot-api.kakao.com/x',
      'https://kakao.com.evil.example/secret-path',
      'https://evilkakao.com/secret-path',
      'https://kakao.com:8443/secret-path',
      'https://user:pass@kakao.com/secret-path',
      'https://user@kakao.com/secret-path',
      'file:///etc/passwd',
      'secret-path',
    ]) {
      expect((await receiveEvent(kakao, skillRequest({ callbackUrl }))).handle).toBeUndefined()
    }
    expect(kakao.lines).toHaveLength(8)
    expect(kakao.lines[1]).toContain('kakao.com.evil.example')
    expect(kakao.lines.join('\n')).not.toMatch(/secret-path|passwd|user:pass/)
  })

  it('lets a callback address live 55 seconds', async () => {
    const kakao = makeKakao({ WEBHOOK_SECRET: secret }, { now: () => 1_000 })
    const callbackUrl = 'https://kakao.com/callback/1'
    const event = await receiveEvent(kakao, skillRequest({ callbackUrl }))
    expect(event.handle).toEqual({ kind: 'token', value: callbackUrl, expiresAt: 56_000 })
  })
})

describe('pictures people send', () => {
  it('are never fetched from elsewhere, and a photo’s address is never taken for words', async () => {
    const kakao = makeKakao()
    const url = 'https://kakaocdn.net.evil.example/secret.png'
    const event = await receiveEvent(kakao, skillRequest({ utterance: url, params: { media: { type: 'image', url } } }))
    expect(event).toMatchObject({ media: [], body: { kind: 'text', text: '/help' } })
    expect(kakao.lines.join()).toContain('kakaocdn.net.evil.example')
    expect(kakao.lines.join()).not.toContain('secret.png')
    const media = { kind: 'image', ref: url } as const
    await expect(kakao.adapter.download!(media, never)).rejects.toMatchObject({ code: 'rejected', delivered: 'no' })
  })

  it('are fetched from the picture host without following redirects', async () => {
    const fake = await startFakeKakao()
    onTestFinished(fake.close)
    const { adapter } = makeKakao(fake.settings)
    const fetched = (path: string) => adapter.download!({ kind: 'image', ref: fake.origin + path }, never)
    const photo = await fetched('/dn/photo.png')
    expect(photo.headers.get('content-type')).toBe('image/png')
    expect((await photo.bytes()).length).toBeGreaterThan(60)
    await expect(fetched('/dn/moved.png')).rejects.toMatchObject({ code: 'rejected' })
    await expect(fetched('/dn/gone.png')).rejects.toMatchObject({ code: 'rejected' })
  })
})

describe('any body', () => {
  const anyRequest = fc.oneof(
    fc.json({ maxDepth: 4 }),
    fc.string(),
    fc
      .record(
        {
          bot: fc.jsonValue({ maxDepth: 2 }),
          action: fc.oneof(fc.jsonValue(), fc.record({ params: fc.jsonValue(), clientExtra: fc.jsonValue() })),
          userRequest: fc.record(
            {
              user: fc.oneof(fc.jsonValue(), fc.record({ id: fc.oneof(fc.string(), fc.integer()) })),
              utterance: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
              callbackUrl: fc.oneof(fc.webUrl(), fc.jsonValue()),
              chat: fc.jsonValue({ maxDepth: 1 }),
              params: fc.oneof(
                fc.jsonValue(),
                fc.record({ media: fc.record({ type: fc.constant('image'), url: fc.string() }) }),
              ),
            },
            { requiredKeys: [] },
          ),
          flow: fc.jsonValue({ maxDepth: 3 }),
        },
        { requiredKeys: [] },
      )
      .map((value) => JSON.stringify(value)),
  )

  it('gets events, a SkillResponse or a plain 4xx, never an exception', async () => {
    const kakao = makeKakao()
    await fc.assert(
      fc.asyncProperty(anyRequest, async (body) => {
        const verdict = await kakao.receive(request(body, withSecret))
        if (verdict.kind === 'reject') return verdict.status === 400
        const answer = verdict.kind === 'answer' ? verdict.answer : verdict.ack
        return answer.status === 200 && readSkillResponse(answer.body, { promise: false }).kind === 'shown'
      }),
      { numRuns: 2_000 },
    )
  })

  it('may be nested as deep as fits into the limit', async () => {
    const deep = `{"userRequest":{"user":{"id":"u"},"utterance":"a","x":${'['.repeat(32_000)}${']'.repeat(32_000)}}}`
    expect((await makeKakao().receive(request(deep, withSecret))).kind).toBe('events')
  })

  it('is refused above 64 KiB', async () => {
    const verdict = await makeKakao().receive(request(Buffer.alloc(65_537, ' '), withSecret))
    expect(verdict).toMatchObject({ kind: 'reject', status: 413 })
  })
})

import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sign } from '../../adapters/wechat/crypt.ts'
import { customBody, fileMessage, newsOf, type Outgoing, passiveXml } from '../../adapters/wechat/encode.ts'
import { sendErrorOf, WechatError } from '../../adapters/wechat/errors.ts'
import { readAnswer, readMediaId, readToken } from '../../adapters/wechat/wire.ts'
import type { Artifact, Body } from '../../src/contract/index.ts'
import { eventOf } from '../kit/adapter.ts'
import { unseal } from '../platforms/wechat-crypt.ts'
import { readPassive, readXml } from '../platforms/wechat-rules.ts'
import {
  aesKey,
  ann,
  appId,
  golden,
  goldenJson,
  makePart,
  makeWechat,
  ours,
  recorded,
  recordedMs,
  token,
} from './wechat-kit.ts'

interface Case {
  readonly file: string
  readonly query: Readonly<Record<string, string>>
  readonly sealed: boolean
  readonly expect:
    | { readonly kind: 'reject'; readonly status: number }
    | { readonly kind: 'answer' }
    | { readonly kind: 'events'; readonly body: Body; readonly media?: readonly string[] }
}

const cases = goldenJson<readonly Case[]>('in-cases.json')
const refusals = goldenJson<readonly { readonly file: string; readonly code: string }[]>('resp-cases.json')
const now = () => recordedMs
const sealed = { TOKEN: token, ENCODING_AES_KEY: aesKey, APP_ID: appId }
const account = { token, aesKey, appId }

const text = (file: string): string => golden(file).toString('utf8')
const caseOf = (file: string): Case => cases.find((one) => one.file === file)!
const take = async (file: string, settings: Readonly<Record<string, string>> = { TOKEN: token }) =>
  makeWechat(settings, { now }).receive(recorded(file, caseOf(file).query))

describe('recorded pushes', () => {
  it.each(cases)('$file is taken as expected', async ({ file, query, sealed: isSealed, expect: wanted }) => {
    const { receive } = makeWechat(isSealed ? sealed : { TOKEN: token }, { now })
    const verdict = await receive(recorded(file, query))
    expect(verdict.kind).toBe(wanted.kind)
    if (verdict.kind === 'reject' && wanted.kind === 'reject') expect(verdict.status).toBe(wanted.status)
    if (verdict.kind === 'answer')
      expect(verdict.answer).toMatchObject({ status: 200, body: text('reply-success.txt') })
    if (verdict.kind === 'events' && wanted.kind === 'events') {
      const event = eventOf(verdict)
      expect(event.body).toEqual(wanted.body)
      expect(event.media.map(({ ref }) => ref)).toEqual(wanted.media ?? [])
      expect(event).toMatchObject({
        from: { id: ann },
        proof: isSealed ? 'signature' : 'secret',
        where: { platform: 'wechat', account: isSealed ? appId : 'default', workspace: ours, chat: ann, kind: 'dm' },
      })
      expect(JSON.parse(JSON.stringify(event))).toEqual(event)
      expect(verdict.ack.body).toBe('success')
    }
  })

  it('covers every recorded push', () => {
    const outgoing = /^(reply|api|resp)-|-cases\.json$|\.plain\.xml$/
    const pushes = readdirSync(new URL('../golden/wechat/', import.meta.url)).filter((file) => !outgoing.test(file))
    expect(cases.map(({ file }) => file).toSorted()).toEqual(pushes.toSorted())
  })

  it('gives a retry the id of the first delivery, and a neighbouring message id another', async () => {
    const ids = await Promise.all(
      ['text.xml', 'text-retry.xml', 'text-adjacent-msgid.xml'].map(async (file) => eventOf(await take(file)).id),
    )
    expect(ids[1]).toBe(ids[0])
    expect(ids[2]).not.toBe(ids[0])
    expect(ids[0]).toBe(`wechat:default:${ann}:24812346789012345`)
  })

  it('takes compatible mode by its plain fields where no key is set', async () => {
    expect(eventOf(await take('compat-text.xml')).proof).toBe('secret')
  })

  it('can not read safe mode without a key, and says what is missing', async () => {
    const verdict = await take('encrypted-text.xml')
    expect(verdict).toMatchObject({ kind: 'reject', status: 403 })
    expect(JSON.stringify(verdict)).toContain('ENCODING_AES_KEY')
  })

  it.each(['text.xml', 'event-subscribe.xml'])('%s is refused in the open where a key is set', async (file) => {
    expect(await take(file, sealed)).toMatchObject({ kind: 'reject', status: 403 })
  })

  it('leaves no trace of names that pollute prototypes', async () => {
    await take('attack-proto-key.xml')
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('checks signatures as the documentation computes them', () => {
    expect(sign('AAAAA', '1714037059', '486452656')).toBe('899cf89e464efb63f54ddac96b0a0a235f53aa78')
  })
})

const picture: Artifact = { kind: 'image', blob: 'b', name: 'Title', mime: 'image/png', bytes: 1 }
const words = { say: (id: string) => `<${id}>` }
const mediaId = (nth: number): string => `fake-media-id-out-000${nth}`
const news: Outgoing = {
  ...(newsOf(makePart([]), picture, 'https://example.com/a', 'https://media.example.com/c.jpg', words, []) as object),
  about: 'Text',
} as Outgoing

describe('what is sent', () => {
  const ids = { person: ann, ours }
  const passive = (message: Outgoing): string => passiveXml(message, ids, recordedMs + 1000)
  /** Without the white space between elements. */
  const tree = (xml: string): object => readXml(xml.replaceAll(/>\s+</g, '><').trim())

  it.each([
    ['reply-text.xml', { kind: 'text', text: 'Here is the plan.' }],
    ['reply-image.xml', fileMessage('image', picture, mediaId(1), '')],
    ['reply-voice.xml', fileMessage('voice', picture, mediaId(2), '')],
    ['reply-news.xml', news],
  ] as const)('equals %s', (file, message) => {
    expect(tree(passive(message))).toEqual(tree(text(file)))
  })

  it('equals reply-video.xml but for the description, which a file does not have', () => {
    const recordedVideo = text('reply-video.xml').replace(/<Description>.*<\/Description>\n/, '')
    expect(tree(passive(fileMessage('video', picture, mediaId(3), '')))).toEqual(tree(recordedVideo))
  })

  const body = (message: Outgoing): object => customBody(ann, message)
  const buttons = ['Yes', 'No'].map((label, nth) => ({ label, say: `/${label}`, action: `a${nth}` }))

  it.each([
    ['api-custom-text.json', { kind: 'text', text: '答案在这里' }],
    ['api-custom-image.json', fileMessage('image', picture, mediaId(1), '')],
    ['api-custom-voice.json', fileMessage('voice', picture, mediaId(2), '')],
    ['api-custom-news.json', news],
  ] as const)('equals %s', (file, message) => {
    expect(body(message)).toEqual(goldenJson(file))
  })

  it('equals api-custom-video.json but for the description', () => {
    const wanted = goldenJson<{ readonly video: object }>('api-custom-video.json')
    const video = fileMessage('video', picture, mediaId(3), mediaId(4))
    expect(body(video)).toEqual({ ...wanted, video: { ...wanted.video, description: '' } })
  })

  it('equals api-custom-msgmenu.json in its shape, with what a tap says as id', () => {
    const wanted = goldenJson<{ msgmenu: { list: object[]; tail_content: string } }>('api-custom-msgmenu.json')
    const list = [
      { id: 'say:/Yes', content: 'Yes' },
      { id: 'say:/No', content: 'No' },
    ]
    expect(body({ kind: 'menu', text: 'Approve?', buttons })).toEqual({
      ...wanted,
      msgmenu: { ...wanted.msgmenu, list, tail_content: '' },
    })
  })
})

describe('what the API answers', () => {
  it.each(refusals)('$file means $code', ({ file, code }) => {
    const answer = readAnswer(text(file))
    expect(answer?.errcode).not.toBe(0)
    const error = sendErrorOf(new WechatError('call', answer?.errcode ?? 0, answer?.errmsg ?? ''), recordedMs, false)
    expect(error.code).toBe(code)
    expect(error.delivered).toBe(answer?.errcode === -1 ? 'maybe' : 'no')
  })

  it('covers every recorded error', () => {
    const files = readdirSync(new URL('../golden/wechat/', import.meta.url))
    const errors = files.filter((file) => /^resp-(err|token)-/.test(file))
    expect(refusals.map(({ file }) => file).toSorted()).toEqual(errors.toSorted())
  })

  it('reads success, a token, and the id of an upload', () => {
    expect(readAnswer(text('resp-ok.json'))?.errcode).toBe(0)
    expect(readToken(goldenJson('resp-stable-token.json'))).toEqual({
      token: 'FAKE_WECHAT_ACCESS_TOKEN',
      lifeMs: 7_200_000,
    })
    expect(readMediaId(goldenJson('resp-media-upload.json'))).toBe(mediaId(1))
    // A video is handed out as a link to another host: not followed.
    expect(readAnswer(text('resp-media-get-video.json'))).toMatchObject({
      video_url: 'http://mmbiz.example.com/video/fake',
    })
  })

  it.each(['45002', '40007', '45001', '40009', '40005'])('%s about a file means another way for it', (errcode) => {
    expect(sendErrorOf(new WechatError('media/upload', Number(errcode), ''), recordedMs, true).code).toBe(
      'media_rejected',
    )
  })

  it('names the address to allow, in IPv4 and IPv6', () => {
    const { errcode, errmsg } = readAnswer(text('resp-token-ip.json')) ?? { errcode: 0, errmsg: '' }
    const told = (message: string): string =>
      sendErrorOf(new WechatError('stable_token', errcode, message), 0, false).message
    expect(told(errmsg)).toContain('add 203.0.113.9 to the IP allow list')
    expect(told('invalid ip 2001:db8::9 ipv6 ::ffff:203.0.113.9, not in whitelist')).toContain('add 2001:db8::9 to')
    expect(told('invalid ip')).toContain('add the address of this machine to')
  })

  it('lets a daily quota wait until midnight in China', () => {
    // 2026-03-16T00:00:00Z is eight in the morning there.
    expect(sendErrorOf(new WechatError('send', 45009, ''), recordedMs, false).retryAfterMs).toBe(16 * 3_600_000)
  })
})

describe('the fake WeChat reads answers as the real one', () => {
  const push = { person: ann, ours, mode: 'plain', account } as const
  const read = (file: string, more: object = {}) =>
    readPassive({ status: 200, headers: {}, body: text(file).trim() }, { ...push, ...more })

  it.each(['reply-text.xml', 'reply-image.xml', 'reply-voice.xml', 'reply-video.xml', 'reply-news.xml'])(
    '%s is shown',
    (file) => {
      expect(read(file).kind).toBe('message')
    },
  )

  it('success is nothing to show, and music or a hand-over are kinds we never answer with', () => {
    expect(read('reply-success.txt').kind).toBe('nothing')
    expect(read('reply-music.xml').kind).toBe('error')
    expect(read('reply-transfer-kf.xml').kind).toBe('error')
  })

  it('safe mode wants the envelope, plain mode the message', () => {
    expect(read('reply-encrypted.xml', { mode: 'safe' })).toMatchObject({ message: { text: 'Here is the plan.' } })
    expect(read('reply-encrypted.xml').kind).toBe('error')
    expect(read('reply-text.xml', { mode: 'safe' }).kind).toBe('error')
    expect(read('reply-text.xml', { person: 'someone' }).kind).toBe('error')
  })

  it('opens what Tencent sealed', () => {
    const encrypted = /<Encrypt><!\[CDATA\[(.*)\]\]>/.exec(text('encrypted-text.xml'))?.[1] ?? ''
    expect(unseal(encrypted, account)).toEqual({ text: text('encrypted-text.plain.xml') })
  })
})

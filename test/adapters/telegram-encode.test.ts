import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encode } from '../../adapters/telegram/encode.ts'
import { limits } from '../../adapters/telegram/limits.ts'
import { SendError } from '../../src/contract/index.ts'
import { text } from '../kit/adapter.ts'
import { media, partTo } from './telegram-kit.ts'

const group = { chat: '-1001900000002', kind: 'group' } as const
const topic = { ...group, thread: '77' } as const
const file = new Blob(['bytes'])
const button = (label: string, action: string) => ({ label, action, say: '/x' })

const codeOf = (work: () => unknown): string | null => {
  try {
    work()
    return null
  } catch (error) {
    return error instanceof SendError ? error.code : String(error)
  }
}

describe('a text', () => {
  it('is sent as it is, without markup, into its topic, quoting its question', () => {
    expect(encode(partTo(topic, [text('<b>*hi*</b>')], { replyTo: '401' }), [], null)).toEqual([
      {
        method: 'sendMessage',
        payload: {
          chat_id: -1_001_900_000_002,
          message_thread_id: 77,
          text: '<b>*hi*</b>',
          link_preview_options: { is_disabled: true },
          reply_parameters: { message_id: 401, allow_sending_without_reply: true },
        },
      },
    ])
  })

  it('never names the General topic, which has no id for us', () => {
    const [call] = encode(partTo({ ...group, thread: '1' }, [text('hi')]), [], null)
    expect(call?.payload).not.toHaveProperty('message_thread_id')
  })

  it('that may be a repeat says so in front', () => {
    const [call, more] = encode(partTo(group, [text('done')]), [], '(again?)')
    expect(call?.payload.text).toBe('(again?)\ndone')
    expect(more).toBeUndefined()
  })

  it('without room for that says it in a message before', () => {
    const full = 'x'.repeat(limits.text)
    const calls = encode(partTo(topic, [text(full)]), [], '(again?)')
    expect(calls.map((call) => call.payload.text)).toEqual(['(again?)', full])
    expect(calls[0]?.payload.message_thread_id).toBe(77)
  })

  it('is never longer than Telegram takes, marked or not', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4096 }),
        fc.option(fc.string({ minLength: 1, maxLength: 80 })),
        (length, mark) => {
          const calls = encode(partTo(group, [text('y'.repeat(length))]), [], mark)
          for (const { payload } of calls) expect(String(payload.text).length).toBeLessThanOrEqual(4096)
        },
      ),
    )
  })

  it('to something that is no chat id is refused before any call', () => {
    expect(codeOf(() => encode(partTo({ chat: '@name', kind: 'group' }, [text('x')]), [], null))).toBe('target_gone')
  })
})

describe('buttons', () => {
  it('lie two to a row and carry their action id and style', () => {
    const buttons = [{ ...button('Yes', 'a1'), style: 'primary' as const }, button('No', 'a2'), button('More', 'a3')]
    const [call] = encode(partTo(group, [text('?')], { buttons }), [], null)
    expect(call?.payload.reply_markup).toEqual({
      inline_keyboard: [
        [
          { text: 'Yes', callback_data: 'a1', style: 'primary' },
          { text: 'No', callback_data: 'a2' },
        ],
        [{ text: 'More', callback_data: 'a3' }],
      ],
    })
  })

  it.each(['', 'ü'.repeat(33)])('with an id of no or too many bytes are refused: %j', (action) => {
    expect(codeOf(() => encode(partTo(group, [text('?')], { buttons: [button('x', action)] }), [], null))).toBe(
      'rejected',
    )
  })
})

describe('a file', () => {
  it.each([
    ['photo', 'sendPhoto', 'photo'],
    ['animation', 'sendAnimation', 'animation'],
    ['video', 'sendVideo', 'video'],
    ['audio', 'sendAudio', 'audio'],
    ['voice', 'sendVoice', 'voice'],
    ['document', 'sendDocument', 'document'],
  ])('as %s goes by %s', (as, method, field) => {
    const [call] = encode(partTo(topic, [media(as, {}, 'a fox')]), [file], null)
    expect(call).toMatchObject({
      method,
      payload: { caption: 'a fox', message_thread_id: 77, [field]: { upload: file, name: 'fox.png' } },
    })
  })

  it('as a document keeps its type', () => {
    const [call] = encode(partTo(group, [media('document')]), [file], null)
    expect(call?.payload).toMatchObject({ disable_content_type_detection: true })
    expect(call?.payload).not.toHaveProperty('caption')
  })

  it('as a video tells its size, so that clients leave the right room', () => {
    const [call] = encode(partTo(group, [media('video', { kind: 'video', width: 640, height: 480 })]), [file], null)
    expect(call?.payload).toMatchObject({ width: 640, height: 480, supports_streaming: true })
  })

  it('that may be a repeat says so in its caption, or before it when the caption is full', () => {
    expect(encode(partTo(group, [media('photo', {}, 'a')]), [file], '(again?)')[0]?.payload.caption).toBe('(again?)\na')
    const calls = encode(partTo(group, [media('photo', {}, 'c'.repeat(1024))]), [file], '(again?)')
    expect(calls.map((call) => call.method)).toEqual(['sendMessage', 'sendPhoto'])
  })

  it('of a form nobody declared is refused', () => {
    expect(codeOf(() => encode(partTo(group, [media('sticker')]), [file], null))).toBe('rejected')
  })
})

describe('an album', () => {
  const album = (count: number, as = 'photo') =>
    Array.from({ length: count }, (_, i) => media(as, { name: `${i}.png` }, `c${i}`))
  const files = Array.from({ length: 11 }, () => file)

  it('is one call with every file and its caption', () => {
    const [call] = encode(partTo(topic, album(3), { replyTo: '5' }), files, '(again?)')
    expect(call?.method).toBe('sendMediaGroup')
    expect(call?.payload).toMatchObject({ chat_id: -1_001_900_000_002, message_thread_id: 77 })
    expect(call?.payload.media).toMatchObject([
      { type: 'photo', caption: '(again?)\nc0', media: { name: '0.png' } },
      { type: 'photo', caption: 'c1', media: { name: '1.png' } },
      { type: 'photo', caption: 'c2', media: { name: '2.png' } },
    ])
  })

  it.each([
    ['of eleven', partTo(group, album(11))],
    ['of mixed kinds', partTo(group, [media('photo'), media('document')])],
    ['of animations', partTo(group, album(2, 'animation'))],
    ['with buttons', partTo(group, album(2), { buttons: [button('x', 'a')] })],
    ['with a text in it', partTo(group, [text('x'), media('photo')])],
    ['of nothing', partTo(group, [])],
  ])('%s is refused', (_, part) => {
    expect(codeOf(() => encode(part, files, null))).toBe('rejected')
  })
})

import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { decode } from '../../adapters/telegram/decode.ts'
import { spoken } from '../../adapters/telegram/mention.ts'
import { update } from '../../adapters/telegram/wire.ts'
import { vouch } from '../../src/contract/index.ts'

const me = { id: 7_000_000_001, username: 'render_desk_bot' }
const ann = { id: 501_000_111, is_bot: false, first_name: 'Ann' }
const group = { id: -1_001_900_000_001, type: 'supergroup', title: 'Group' }

const message = (more: object) => ({ message_id: 5, date: 1_767_225_600, chat: group, from: ann, text: 'hi', ...more })
const read = (raw: object) => decode(vouch(v.parse(update, { update_id: 9, ...raw }), 'tls'), me, 1000)
const eventOf = (raw: object) => {
  const result = read(raw)
  if (result.kind !== 'event') throw new Error(`no event: ${JSON.stringify(result)}`)
  return result.event
}

describe('who a text speaks to', () => {
  const mention = (text: string, at: number) => spoken(text, [{ type: 'mention', offset: at, length: 16 }], me)

  it('cuts our mention at the start, together with the colon behind it', () => {
    expect(mention('@render_desk_bot: draw a cat', 0)).toEqual({ text: 'draw a cat', toUs: true, toOther: false })
  })

  it('counts in UTF-16, so an emoji in front moves nothing', () => {
    expect(mention('🎨🎨 @Render_Desk_Bot draw', 5).text).toBe('🎨🎨 draw')
  })

  it('leaves the mention of somebody else in place', () => {
    expect(spoken('@alice hi', [{ type: 'mention', offset: 0, length: 6 }], me)).toEqual({
      text: '@alice hi',
      toUs: false,
      toOther: false,
    })
  })

  it('knows us by id where a mention carries the user', () => {
    const entity = { type: 'text_mention', offset: 0, length: 4, user: { id: me.id } }
    expect(spoken('Desk run it', [entity], me)).toEqual({ text: 'run it', toUs: true, toOther: false })
  })

  it('compares the suffix of a command without case', () => {
    expect(spoken('/run@RENDER_desk_BOT portrait', [], me)).toEqual({
      text: '/run portrait',
      toUs: true,
      toOther: false,
    })
  })

  it('tells a command for another bot', () => {
    expect(spoken('/run@other_bot portrait', [], me).toOther).toBe(true)
  })

  it('keeps an address inside a sentence', () => {
    expect(spoken('write to a/b@example.org', [], me)).toEqual({
      text: 'write to a/b@example.org',
      toUs: false,
      toOther: false,
    })
  })

  it('never invents text, whatever the entities claim', () => {
    const entity = fc.record({
      type: fc.constantFrom('mention', 'text_mention', 'bold'),
      offset: fc.integer({ min: -5, max: 60 }),
      length: fc.integer({ min: -5, max: 60 }),
      user: fc.constantFrom({ id: me.id }, { id: 1 }),
    })
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 50 }),
        fc.array(entity, { maxLength: 4 }),
        (text, entities) => {
          expect(spoken(text, entities, me).text.length).toBeLessThanOrEqual(text.length)
        },
      ),
    )
  })
})

describe('who is speaking', () => {
  it.each([1_087_968_824, 136_817_688, 777_000])('the stand-in %i is never a person', (id) => {
    expect(eventOf({ message: message({ from: { id, is_bot: false } }) }).from).toMatchObject({ bot: true })
  })

  it('marks our own message', () => {
    expect(eventOf({ message: message({ from: { ...me, is_bot: true } }) }).from).toMatchObject({
      self: true,
      bot: true,
    })
  })

  it('a channel that speaks in a group has its own id', () => {
    const sender_chat = { id: -1_001_900_000_003, type: 'channel', title: 'News' }
    expect(eventOf({ message: message({ sender_chat }) }).from).toEqual({
      id: '-1001900000003',
      name: 'News',
      self: false,
      bot: false,
    })
  })
})

describe('where it was said', () => {
  it('a topic of a private chat is a thread as well', () => {
    const chat = { id: ann.id, type: 'private' }
    expect(eventOf({ message: message({ chat, is_topic_message: true, message_thread_id: 12 }) }).where).toEqual({
      platform: 'telegram',
      account: '7000000001',
      chat: '501000111',
      kind: 'dm',
      thread: '12',
    })
  })

  it('a topic opened by the bot does not make everything in it a reply to the bot', () => {
    const root = { message_id: 77, from: { ...me, is_bot: true }, forum_topic_created: { name: 'Renders' } }
    const event = eventOf({
      message: message({ is_topic_message: true, message_thread_id: 77, reply_to_message: root }),
    })
    expect(event).toMatchObject({ body: { addressed: false } })
    expect(event.replyTo).toBeUndefined()
  })

  it('a reply to the bot inside a topic is still one', () => {
    const answered = { message_id: 80, from: { ...me, is_bot: true } }
    const event = eventOf({
      message: message({ is_topic_message: true, message_thread_id: 77, reply_to_message: answered }),
    })
    expect(event).toMatchObject({ replyTo: '80', body: { addressed: true }, where: { thread: '77' } })
  })

  it.each([
    ['a channel', { chat: { id: -1, type: 'channel' } }],
    ['the direct messages of a channel', { chat: { ...group, is_direct_messages: true } }],
    ['a channel post copied into its group', { is_automatic_forward: true }],
    ['a note of the chat itself', { text: undefined, new_chat_members: [ann] }],
    ['a message without a sender', { from: undefined }],
  ])('%s is ignored', (_, more) => {
    expect(read({ message: message(more) }).kind).toBe('ignored')
  })

  it('a message without an id falls back to the update', () => {
    const event = eventOf({ message: message({ message_id: 0 }) })
    expect(event.id).toBe('telegram:7000000001:update:9')
    expect(event.message).toBeUndefined()
  })
})

describe('a press', () => {
  const press = (more: object) => ({
    callback_query: { id: '1', from: ann, message: { message_id: 3, chat: group, date: 0 }, data: 'x', ...more },
  })

  it.each([
    ['without a message', { message: undefined }],
    ['without data', { data: undefined }],
    ['with more data than a button of ours can have', { data: 'ü'.repeat(33) }],
  ])('%s is ignored', (_, more) => {
    expect(read(press(more)).kind).toBe('ignored')
  })
})

describe('what was sent along', () => {
  const file = { file_id: 'f', file_size: 9 }
  it.each([
    [{ animation: { ...file, mime_type: 'video/mp4' }, document: file }, 'video'],
    [{ video_note: file }, 'video'],
    [{ audio: { ...file, mime_type: 'audio/mpeg' } }, 'audio'],
    [{ document: { ...file, mime_type: 'image/png' } }, 'image'],
    [{ document: { ...file, mime_type: 'application/zip' } }, 'file'],
  ])('%j is one %s', (more, kind) => {
    const { media } = eventOf({ message: message({ text: undefined, ...more }) })
    expect(media).toEqual([expect.objectContaining({ kind, ref: 'f', bytes: 9 })])
  })

  it.each(['sticker', 'location', 'contact', 'poll', 'dice', 'story'])('a %s is told as what it is', (kind) => {
    const raw = message({ chat: { id: ann.id, type: 'private' }, text: undefined, [kind]: { file_id: 's' } })
    expect(eventOf({ message: raw })).toMatchObject({ body: { kind: 'other', what: kind }, media: [] })
  })

  it('is taken under whatever name and type its sender gave it', () => {
    const long = 'n'.repeat(2000)
    const document = { ...file, file_name: long, mime_type: long }
    const event = eventOf({ message: message({ text: undefined, caption: '/run img2img', document }) })
    expect(event).toMatchObject({ body: { text: '/run img2img' }, media: [{ kind: 'file', ref: 'f', bytes: 9 }] })
  })
})

describe('what an answered message carries', () => {
  const sizes = [
    { file_id: 'small', file_size: 1, width: 90, height: 90 },
    { file_id: 'large', file_size: 9, width: 900, height: 900 },
  ]
  const answered = (more: object, text = '/run img2img') =>
    eventOf({ message: message({ text, reply_to_message: { message_id: 4, ...more } }) }).media

  it('belongs to a command: a photo in its largest size, a document that is a picture', () => {
    expect(answered({ photo: sizes })).toEqual([{ kind: 'image', ref: 'large', bytes: 9, mime: 'image/jpeg' }])
    expect(answered({ document: { file_id: 'd', mime_type: 'image/png' } })).toMatchObject([
      { kind: 'image', ref: 'd' },
    ])
  })

  it('does not belong to other words', () => {
    expect(answered({ photo: sizes }, 'how nice')).toEqual([])
  })

  it('gives way to what the command itself carries', () => {
    const raw = message({
      text: undefined,
      caption: '/run img2img',
      document: { file_id: 'own', mime_type: 'image/png' },
      reply_to_message: { message_id: 4, photo: sizes },
    })
    expect(eventOf({ message: raw }).media).toMatchObject([{ ref: 'own' }])
  })

  it('that can not be read costs nothing but itself', () => {
    expect(answered({ photo: 'odd', document: { file_id: 'd' } })).toMatchObject([{ kind: 'file', ref: 'd' }])
  })
})

import type { AdapterText, Artifact, Part, PartButton } from '../../src/contract/index.ts'
import { limits } from './wire.ts'

/** At most `max` bytes of UTF-8, ending in `…` when shortened, never inside a character. */
export const cutBytes = (text: string, max: number): string => {
  if (Buffer.byteLength(text) <= max) return text
  let kept = ''
  let bytes = 3
  for (const char of text) {
    bytes += Buffer.byteLength(char)
    if (bytes > max) break
    kept += char
  }
  return `${kept}…`
}

// What XML 1.0 forbids (§2.2); lone surrogates are replaced before.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to go
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g

/** WeChat makes links of `<a href>` only, so a word joiner behind `<` leaves such a text readable and dead. Nothing is
 *  escaped: inside CDATA and JSON alike, `&lt;` would be shown as `&lt;`. */
export const plain = (text: string): string =>
  text
    .toWellFormed()
    .replace(forbidden, '')
    .replace(/<(?=a[\s/>])/gi, '<\u2060')

export interface Words {
  readonly say: (id: AdapterText) => string
}

const marked = (text: string, part: Part, { say }: Words): string =>
  part.repeated === true ? `${say('maybe_repeated')}\n${text}` : text

/** Where nothing can be tapped, what a button means is typed. Whole lines: half a command is another command. */
const typedButtons = (text: string, buttons: readonly PartButton[]): string =>
  buttons.reduce((sum, { label, say }) => {
    const more = `${sum}\n${plain(label)}: ${plain(say)}`
    return Buffer.byteLength(more) <= limits.text ? more : sum
  }, text)

/** What the part says in one text message. */
export const wordsOf = (part: Part, text: string, words: Words, buttons: readonly PartButton[]): string => {
  const shown = cutBytes(plain(marked(text, part, words)), limits.text)
  return typedButtons(shown.trim() === '' ? words.say('empty') : shown, buttons)
}

/** A message as both ways of answering know it. */
export type Outgoing =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'menu'; readonly text: string; readonly buttons: readonly PartButton[] }
  | { readonly kind: 'image' | 'voice'; readonly mediaId: string }
  | { readonly kind: 'video'; readonly mediaId: string; readonly thumbId: string; readonly title: string }
  | {
      readonly kind: 'news'
      readonly title: string
      readonly about: string
      readonly picture: string
      readonly link: string
    }

export type UploadRung = 'image' | 'voice' | 'video'
const uploadRungs: readonly string[] = ['image', 'voice', 'video'] satisfies readonly UploadRung[]
export const isUpload = (as: string): as is UploadRung => uploadRungs.includes(as)

/** A file by its id at the platform. Only a pushed video has a thumbnail. */
export const fileMessage = (as: UploadRung, media: Artifact, mediaId: string, thumbId: string): Outgoing =>
  as === 'video'
    ? { kind: as, mediaId, thumbId, title: cutBytes(plain(media.name), limits.title) }
    : { kind: as, mediaId }

/** In front of what a tap means, in the id of a menu entry: menus of others bring ids of their own. */
export const sayMark = 'say:'

/** A file as an article with a link, and with its picture where it has one. */
export const newsOf = (
  part: Part,
  media: Artifact,
  link: string,
  preview: string | null,
  words: Words,
  buttons: readonly PartButton[],
): Outgoing => ({
  kind: 'news',
  title: cutBytes(plain(media.name).trim() || media.kind, limits.title),
  about: typedButtons(cutBytes(plain(marked('', part, words)), limits.text), buttons).trim(),
  picture: preview ?? (media.kind === 'image' ? link : ''),
  link,
})

const cdata = (text: string): string => `<![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`

const passiveBody = (message: Outgoing): string => {
  if (message.kind === 'text' || message.kind === 'menu')
    return `<MsgType>${cdata('text')}</MsgType><Content>${cdata(message.text)}</Content>`
  if (message.kind === 'news') {
    const { title, about, picture, link } = message
    const item =
      `<Title>${cdata(title)}</Title><Description>${cdata(about)}</Description>` +
      `<PicUrl>${cdata(picture)}</PicUrl><Url>${cdata(link)}</Url>`
    return `<MsgType>${cdata('news')}</MsgType><ArticleCount>1</ArticleCount><Articles><item>${item}</item></Articles>`
  }
  const element = { image: 'Image', voice: 'Voice', video: 'Video' }[message.kind]
  const title = message.kind === 'video' ? `<Title>${cdata(message.title)}</Title>` : ''
  const inner = `<MediaId>${cdata(message.mediaId)}</MediaId>${title}`
  return `<MsgType>${cdata(message.kind)}</MsgType><${element}>${inner}</${element}>`
}

/** The answer of an open request: both ids swapped. */
export const passiveXml = (
  message: Outgoing,
  ids: { readonly person: string; readonly ours: string },
  nowMs: number,
): string =>
  `<xml><ToUserName>${cdata(ids.person)}</ToUserName><FromUserName>${cdata(ids.ours)}</FromUserName>` +
  `<CreateTime>${Math.floor(nowMs / 1000)}</CreateTime>${passiveBody(message)}</xml>`

/** An encrypted answer in its envelope. */
export const envelopeXml = (sealed: {
  readonly encrypted: string
  readonly signature: string
  readonly timestamp: string
  readonly nonce: string
}): string =>
  `<xml><Encrypt>${cdata(sealed.encrypted)}</Encrypt><MsgSignature>${cdata(sealed.signature)}</MsgSignature>` +
  `<TimeStamp>${sealed.timestamp}</TimeStamp><Nonce>${cdata(sealed.nonce)}</Nonce></xml>`

/** The body of a customer-service message (message/custom/send). */
export const customBody = (touser: string, message: Outgoing): object => {
  switch (message.kind) {
    case 'text':
      return { touser, msgtype: 'text', text: { content: message.text } }
    case 'menu': {
      const list = message.buttons.map(({ label, say }) => ({
        id: `${sayMark}${say}`,
        content: plain(label).trim() || say,
      }))
      return { touser, msgtype: 'msgmenu', msgmenu: { head_content: message.text, list, tail_content: '' } }
    }
    case 'image':
      return { touser, msgtype: 'image', image: { media_id: message.mediaId } }
    case 'voice':
      return { touser, msgtype: 'voice', voice: { media_id: message.mediaId } }
    case 'video': {
      const { mediaId, thumbId, title } = message
      const video = { media_id: mediaId, thumb_media_id: thumbId, title, description: '' }
      return { touser, msgtype: 'video', video }
    }
    case 'news': {
      const { title, about, picture, link } = message
      const articles = [{ title, description: about, url: link, picurl: picture }]
      return { touser, msgtype: 'news', news: { articles } }
    }
  }
}

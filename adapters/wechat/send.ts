// A file of its own: the order of calls around a part, and what their refusals mean.
import type { Adapter, AdapterDeps, Artifact, Part, PartItem } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { Client } from './connect.ts'
import { customBody, fileMessage, isUpload, newsOf, type Outgoing, type UploadRung, wordsOf } from './encode.ts'
import { kindRefused, mediaIdGone, noRight, sendErrorOf, WechatError } from './errors.ts'
import type { Rights } from './rights.ts'
import type { Uploads } from './uploads.ts'

export interface Speaker {
  readonly client: Client
  readonly uploads: Uploads
  readonly rights: Rights
}

const callMs = 15_000
const quickMs = 5_000

type MediaItem = Extract<PartItem, { kind: 'media' }>

export const sender = (
  { client, uploads, rights }: Speaker,
  deps: Pick<AdapterDeps, 'log' | 'media' | 'now' | 'say'>,
): Required<Pick<Adapter, 'send' | 'typing'>> => {
  // Some accounts (sandboxes) have no menus in messages: then words, from the first refusal on.
  let menus = true

  const custom = (part: Part, message: Outgoing, signal: AbortSignal): Promise<unknown> =>
    client.call('/cgi-bin/message/custom/send', customBody(part.to.chat, message), signal, callMs)

  const sendWords = async (part: Part, text: string, signal: AbortSignal): Promise<void> => {
    if (part.buttons.length > 0 && menus) {
      const menu: Outgoing = { kind: 'menu', text: wordsOf(part, text, deps, []), buttons: part.buttons }
      try {
        await custom(part, menu, signal)
        return
      } catch (error) {
        if (!(error instanceof WechatError) || sendErrorOf(error, deps.now(), false).code !== 'rejected') throw error
        if (kindRefused.has(error.errcode)) menus = false
        deps.log.info({ about: error.message }, 'a menu was refused: its buttons are told in words')
      }
    }
    await custom(part, { kind: 'text', text: wordsOf(part, text, deps, part.buttons) }, signal)
  }

  const thumbOf = (media: Artifact, signal: AbortSignal): Promise<string> => {
    const { preview } = media
    if (preview?.mime !== 'image/jpeg') throw new SendError('media_rejected', 'a video needs a small JPEG beside it')
    return uploads.put('thumb', { ...preview, name: `${media.name}.jpg` }, signal)
  }

  const sendUpload = async (part: Part, { media }: MediaItem, as: UploadRung, signal: AbortSignal): Promise<void> => {
    const once = async (): Promise<void> => {
      const thumbId = as === 'video' ? await thumbOf(media, signal) : ''
      const mediaId = await uploads.put(as, media, signal)
      await custom(part, fileMessage(as, media, mediaId, thumbId), signal)
    }
    try {
      await once()
    } catch (error) {
      if (!(error instanceof WechatError) || error.errcode !== mediaIdGone) throw error
      // What we remembered is gone there; nothing was shown, so it is uploaded anew, once.
      uploads.forget(as, media.blob)
      if (media.preview) uploads.forget('thumb', media.preview.blob)
      await once()
    }
  }

  const sendNews = async (part: Part, { media }: MediaItem, signal: AbortSignal): Promise<void> => {
    const link = deps.media.link(media.blob)
    if (link === null) throw new SendError('media_rejected', 'no link can be made: there is no public base URL')
    const preview = media.preview ? deps.media.link(media.preview.blob) : null
    await custom(part, newsOf(part, media, link, preview, deps, part.buttons), signal)
  }

  const sendItem = async (part: Part, item: PartItem | undefined, signal: AbortSignal): Promise<void> => {
    if (item?.kind !== 'media') return sendWords(part, item?.text ?? '', signal)
    if (!isUpload(item.as)) return sendNews(part, item, signal)
    await sendUpload(part, item, item.as, signal)
    if (part.buttons.length === 0) return
    // A picture carries no buttons. It has been shown, so what follows it must not send it again.
    await sendWords(part, item.media.name, signal).catch((error: unknown) => {
      deps.log.warn({ part: part.key, about: String(error) }, 'the buttons of a file were not sent')
    })
  }

  const send: Adapter['send'] = async (part, signal) => {
    if (signal.aborted) throw new SendError('unavailable', 'stopped before it was sent')
    if (!rights.has())
      throw new SendError('window_closed', 'this account can only answer: the person has to write first')
    const [item] = part.items
    try {
      await sendItem(part, item, signal)
      return { via: 'push' }
    } catch (error) {
      if (!(error instanceof WechatError)) throw error
      if (noRight.has(error.errcode)) await rights.missing()
      throw sendErrorOf(error, deps.now(), item?.kind === 'media')
    }
  }

  const typing: NonNullable<Adapter['typing']> = async (where, _message, signal) => {
    if (!rights.has() && !rights.due()) return
    const body = { touser: where.chat, command: 'Typing' }
    try {
      await client.call('/cgi-bin/message/custom/typing', body, signal, quickMs)
      await rights.granted()
    } catch (error) {
      const isRight = error instanceof WechatError && noRight.has(error.errcode)
      if (isRight) await rights.missing()
      else deps.log.debug({ about: String(error) }, 'the typing sign was not shown')
    }
  }

  return { send, typing }
}

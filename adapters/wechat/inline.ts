import type { AdapterDeps, HttpAnswer, InlineAnswer, InlineResult, Part } from '../../src/contract/index.ts'
import { type Cipher, encrypt, sign } from './crypt.ts'
import { envelopeXml, fileMessage, isUpload, newsOf, type Outgoing, passiveXml, wordsOf } from './encode.ts'
import type { Rights } from './rights.ts'
import type { Uploads } from './uploads.ts'

export interface InlineDeps extends Pick<AdapterDeps, 'media' | 'now' | 'say'> {
  readonly token: string
  /** With which the latest message was encrypted; null where messages come in the open. */
  readonly cipher: () => Cipher | null
  readonly randomBytes: (count: number) => Uint8Array
  readonly rights: Rights
  /** What has been uploaded so far. */
  readonly known: Uploads['known']
}

/** Taken, and nothing is shown for it. In all modes it stays in the open. */
export const success: HttpAnswer = {
  status: 200,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: 'success',
}

/**
 * Makes the answer of an open request: one message, whatever the part holds. Nothing can be uploaded in the meantime,
 * so a file is shown by itself where an earlier try uploaded it, else as an article with its link, else by its name.
 */
export const makeInline = (deps: InlineDeps): ((answer: InlineAnswer) => InlineResult) => {
  const messageOf = (part: Part): Outgoing => {
    const [item] = part.items
    if (item?.kind !== 'media') return { kind: 'text', text: wordsOf(part, item?.text ?? '', deps, part.buttons) }
    const { media, as } = item
    const mediaId = isUpload(as) ? deps.known(as, media.blob) : null
    if (isUpload(as) && mediaId !== null && part.buttons.length === 0) return fileMessage(as, media, mediaId, '')
    const link = deps.media.link(media.blob)
    if (link === null)
      return { kind: 'text', text: wordsOf(part, `${media.name}\n${deps.say('no_link')}`, deps, part.buttons) }
    const preview = media.preview ? deps.media.link(media.preview.blob) : null
    return newsOf(part, media, link, preview, deps, part.buttons)
  }

  const sealed = (xml: string, cipher: Cipher): string => {
    const encrypted = encrypt(xml, cipher, deps.randomBytes(16))
    const timestamp = String(Math.floor(deps.now() / 1000))
    const nonce = String(Buffer.from(deps.randomBytes(4)).readUInt32BE())
    return envelopeXml({ encrypted, timestamp, nonce, signature: sign(deps.token, timestamp, nonce, encrypted) })
  }

  const shown = (message: Outgoing, { chat, workspace }: Part['to']): InlineResult => {
    // Decoding puts it into every address; without it WeChat would show an error to the person.
    if (workspace === undefined) throw new Error('an address without our own id can not be answered inline')
    const xml = passiveXml(message, { person: chat, ours: workspace }, deps.now())
    const cipher = deps.cipher()
    const headers = { 'content-type': 'application/xml; charset=utf-8' }
    return { answer: { status: 200, headers, body: cipher ? sealed(xml, cipher) : xml }, tokenKept: false }
  }

  return (answer) => {
    if (answer.kind === 'part') return shown(messageOf(answer.part), answer.part.to)
    // Who can be written to later gets the answer itself; the others learn where it will be.
    if (answer.kind === 'none' || deps.rights.has()) return { answer: success, tokenKept: false }
    return shown({ kind: 'text', text: deps.say('still_working') }, answer.event.where)
  }
}

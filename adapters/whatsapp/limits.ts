// A file of its own: what WhatsApp takes, read by the capabilities, the encoder and the tests (facts/whatsapp-cloud §3).
import type { Capabilities, MediaRung } from '../../src/contract/index.ts'

const MiB = 1024 * 1024
const hourMs = 60 * 60 * 1000

export const limits = {
  text: 4096,
  caption: 1024,
  /** Reply buttons: how many, and the text they hang on. */
  replyButtons: 3,
  replyBody: 1024,
  /** A list: rows in all, the text it hangs on, and the small print of a row. */
  rows: 10,
  listBody: 4096,
  rowId: 200,
  rowDescription: 72,
  buttonTitle: 20,
  correlation: 512,
  imageBytes: 5 * MiB,
  playedBytes: 16 * MiB,
  documentBytes: 100 * MiB,
} as const

/** What the upload takes, by its own refusal ("Param file must be a file with one of the following types"). */
const uploadable = [
  'image/jpeg',
  'image/png',
  'image/webp',
  'video/mp4',
  'video/3gpp',
  'audio/aac',
  'audio/amr',
  'audio/mpeg',
  'audio/mp4',
  'audio/ogg',
  'application/pdf',
  'application/msword',
  'application/vnd.ms-excel',
  'application/vnd.ms-powerpoint',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'text/plain',
]

const rung = (as: string, maxBytes: number, mime: readonly string[], more: Partial<MediaRung> = {}): MediaRung => ({
  as,
  by: 'upload',
  maxBytes,
  mime,
  caption: limits.caption,
  album: 1,
  ...more,
})

const document = rung('document', limits.documentBytes, uploadable)
/** A document that Meta fetches from us: for what the upload does not take, or refused. */
const link = rung('link', limits.documentBytes, ['*'], { by: 'url' })

export const capabilities: Capabilities = {
  name: 'WhatsApp',
  intakes: ['webhook'],
  // Whether "characters" are UTF-16 units is not said; they are the safe count.
  text: { max: limits.text, unit: 'utf16', markup: 'plain' },
  media: {
    image: [rung('image', limits.imageBytes, ['image/jpeg', 'image/png']), document, link],
    video: [rung('video', limits.playedBytes, ['video/mp4', 'video/3gpp']), document, link],
    audio: [
      rung('audio', limits.playedBytes, ['audio/aac', 'audio/amr', 'audio/mpeg', 'audio/mp4', 'audio/ogg'], {
        caption: 0,
      }),
      document,
      link,
    ],
    file: [document, link],
  },
  call: { items: 1 },
  buttons: { kind: 'press', max: limits.rows, perRow: limits.replyButtons, labelMax: limits.buttonTitle },
  edit: null,
  // The sign is shown 25 s, or until an answer comes.
  typing: { everyMs: 20_000 },
  threads: false,
  quotes: true,
  audiences: ['everyone'],
  // A listed number is the chat with its person; so is the user id of somebody who hides theirs.
  directByUserId: true,
  answer: { inlineMs: null, tokenMs: null, push: 'always', windowMs: 24 * hourMs },
  resend: 'marked',
  // What we could not take is brought again for seven days.
  redeliveryMs: 7 * 24 * hourMs,
  staleAfterMs: 10 * 60 * 1000,
  commands: 'none',
  // 80 messages a second and number; to one person one in six seconds, of which 45 can be borrowed (Meta, "Throughput",
  // pair rate limits).
  pace: { concurrent: 20, everyMs: 13, perChatMs: 6000, perGroupMs: 6000, burst: 45 },
  receives: ['image', 'video', 'audio', 'file'],
}

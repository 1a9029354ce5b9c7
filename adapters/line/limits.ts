// A file of its own: what LINE takes, read by the capabilities, the encoder and the tests (Messaging API reference).
import type { Capabilities, MediaRung } from '../../src/contract/index.ts'

const MB = 1024 * 1024
const hourMs = 60 * 60 * 1000

export const limits = {
  /** UTF-16 units, as every text here but labels. */
  text: 5000,
  messages: 5,
  quickReplies: 13,
  /** Graphemes; counted in UTF-16 units it can only be shorter. */
  label: 20,
  displayText: 300,
  postbackData: 300,
  url: 2000,
  imageBytes: 10 * MB,
  previewBytes: MB,
  streamBytes: 200 * MB,
} as const

/** A reply token is good for one minute after the webhook was received (reference, Reply token); the rest is for the
 *  way there. */
export const tokenLifeMs = 55_000
/** A redelivered token is worth nothing this long after the event. */
export const tokenRedeliveredMs = 20 * 60_000

/** How long the loading animation is asked for (5 to 60 s in steps of 5), and when to ask again. */
export const loadingSeconds = 20
const loadingAgainMs = 15_000

const url = (as: string, maxBytes: number, mime: readonly string[], more: Partial<MediaRung> = {}): MediaRung => ({
  as,
  by: 'url',
  maxBytes,
  mime,
  caption: 0,
  album: limits.messages,
  ...more,
})

const preview = { previewBytes: limits.previewBytes }
/** Whatever LINE does not show itself goes out as a name and a link. */
const link = url('link', limits.streamBytes, ['*'])

export const capabilities: Capabilities = {
  name: 'LINE',
  intakes: ['webhook'],
  text: { max: limits.text, unit: 'utf16', markup: 'plain' },
  media: {
    image: [url('image', limits.imageBytes, ['image/jpeg', 'image/png'], preview), link],
    video: [url('video', limits.streamBytes, ['video/mp4'], preview), link],
    audio: [
      url('audio', limits.streamBytes, ['audio/mpeg', 'audio/mp3', 'audio/mp4', 'audio/x-m4a', 'audio/m4a']),
      link,
    ],
    file: [link],
  },
  call: { items: limits.messages },
  buttons: { kind: 'press', max: limits.quickReplies, perRow: limits.quickReplies, labelMax: limits.label },
  edit: null,
  typing: { everyMs: loadingAgainMs },
  threads: false,
  quotes: true,
  audiences: ['everyone'],
  directByUserId: true,
  answer: { inlineMs: null, tokenMs: tokenLifeMs, push: 'quota', windowMs: null },
  // Pushes carry a retry key; of replies it is known which token may have been used.
  resend: 'deduplicated',
  // After 24 hours a retry key is a new one (reference, Retrying an API request).
  keyMs: 23 * hourMs,
  // How long LINE redelivers is undisclosed; days are safe.
  redeliveryMs: 3 * 24 * hourMs,
  staleAfterMs: 10 * 60_000,
  commands: 'none',
  // 2000 calls a second for a channel; too many to one person are refused too, without a number.
  pace: { concurrent: 16, everyMs: 5, perChatMs: 200, perGroupMs: 200, burst: 5 },
  receives: ['image', 'video', 'audio', 'file'],
}

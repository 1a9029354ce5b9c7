// A file of its own: what Feishu takes, read by the capabilities, the encoder and the tests (facts/feishu §4, §7).
import type { Capabilities, MediaRung } from '../../src/contract/index.ts'

const MiB = 1024 * 1024
const hourMs = 60 * 60 * 1000
const dayMs = 24 * hourMs

export const limits = {
  /** Bytes. A request with a post or card has 30 KB, and a quotation mark in JSON inside JSON has four bytes. */
  text: 7_000,
  requestBytes: 30_000,
  buttons: 20,
  label: 40,
  imageBytes: 10 * MiB,
  fileBytes: 30 * MiB,
  linkBytes: 100 * MiB,
  fileName: 200,
} as const

const rung = (as: string, maxBytes: number, mime: readonly string[], more: Partial<MediaRung> = {}): MediaRung => ({
  as,
  by: 'upload',
  maxBytes,
  mime,
  caption: 0,
  album: 1,
  ...more,
})

const file = rung('file', limits.fileBytes, ['*'])
const link = rung('link', limits.linkBytes, ['*'], { by: 'url', caption: limits.text })

export const capabilities: Capabilities = {
  name: 'Feishu/Lark',
  intakes: ['stream', 'webhook'],
  text: { max: limits.text, unit: 'byte', markup: 'plain' },
  media: {
    image: [
      rung('image', limits.imageBytes, ['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/bmp'], {
        caption: limits.text,
        pixels: { sum: 24_000, ratio: 100 },
      }),
      file,
      link,
    ],
    // A cover is welcome, and not needed.
    video: [rung('video', limits.fileBytes, ['video/mp4'], { previewBytes: limits.imageBytes }), file, link],
    audio: [rung('audio', limits.fileBytes, ['audio/ogg', 'audio/opus']), file, link],
    file: [file, link],
  },
  call: { items: 1 },
  buttons: { kind: 'press', max: limits.buttons, perRow: 4, labelMax: limits.label },
  // Cards: five times a second each, for 14 days. Texts: 20 times in all; behind that they are sent anew.
  edit: { everyMs: 1000, withinMs: 14 * dayMs },
  typing: null,
  threads: true,
  quotes: true,
  audiences: ['everyone'],
  // Messages can be addressed to a person by any of their ids.
  directByUserId: true,
  answer: { inlineMs: null, tokenMs: null, push: 'always', windowMs: null },
  // `uuid` makes a repeat harmless for an hour.
  resend: 'deduplicated',
  // A key counts for an hour (im/v1/messages, uuid).
  keyMs: 55 * 60_000,
  // Brought again after 15 s, 5 min, 1 h and 6 h.
  redeliveryMs: 2 * dayMs,
  staleAfterMs: 10 * 60 * 1000,
  commands: 'none',
  // 50 calls a second, 1000 a minute; 5 a second to one person, and 5 to one group from all bots in it. The calls at
  // once count too: no second has more than four.
  pace: { concurrent: 16, everyMs: 60, perChatMs: 350, perGroupMs: 400, burst: 2 },
  receives: ['image', 'video', 'audio', 'file'],
}

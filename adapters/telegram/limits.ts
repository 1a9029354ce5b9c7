// A file of its own: what Telegram takes, read by the capabilities, the encoder and the tests (facts/telegram §5).
import type { Capabilities, MediaRung } from '../../src/contract/index.ts'

const MiB = 1024 * 1024

export const limits = {
  text: 4096,
  caption: 1024,
  alert: 200,
  callbackDataBytes: 64,
  album: 10,
  photoBytes: 10 * MiB,
  fileBytes: 50 * MiB,
  buttonsPerRow: 2,
} as const

const upload = (as: string, mime: readonly string[], more: Partial<MediaRung> = {}): MediaRung => ({
  as,
  by: 'upload',
  maxBytes: limits.fileBytes,
  mime,
  caption: limits.caption,
  album: 1,
  ...more,
})

const document = upload('document', ['*'], { album: limits.album })
const photo = upload('photo', ['image/jpeg', 'image/png', 'image/webp'], {
  maxBytes: limits.photoBytes,
  pixels: { sum: 10_000, ratio: 20 },
  animated: false,
  album: limits.album,
})

export const capabilities: Capabilities = {
  name: 'Telegram',
  intakes: ['stream'],
  text: { max: limits.text, unit: 'utf16', markup: 'plain' },
  media: {
    image: [photo, upload('animation', ['image/gif'], { animated: true }), document],
    video: [
      upload('animation', ['video/mp4'], { animated: true }),
      upload('video', ['video/mp4'], { album: limits.album }),
      document,
    ],
    audio: [
      upload('audio', ['audio/mpeg', 'audio/mp3', 'audio/mp4', 'audio/x-m4a', 'audio/m4a'], { album: limits.album }),
      upload('voice', ['audio/ogg', 'audio/opus']),
      document,
    ],
    file: [document],
  },
  call: { items: 1 },
  buttons: { kind: 'press', max: 8, perRow: limits.buttonsPerRow, labelMax: 40 },
  // Edits share the budget of 20 messages a minute and group.
  edit: { everyMs: 3000, withinMs: null },
  // The sign lasts 5 s at most.
  typing: { everyMs: 4500 },
  threads: true,
  quotes: true,
  // A press can be answered privately (an alert), an ordinary message can not.
  audiences: ['everyone'],
  // A private chat has its person's id, but only who has opened it once can be written to.
  directByUserId: true,
  answer: { inlineMs: null, tokenMs: 30_000, push: 'always', windowMs: null },
  resend: 'marked',
  // Updates that were not fetched live 24 h.
  redeliveryMs: 24 * 60 * 60 * 1000,
  staleAfterMs: 10 * 60 * 1000,
  commands: 'menu',
  // About 30 messages a second and bot, 1 a second and chat, 20 a minute and group.
  pace: { concurrent: 25, everyMs: 35, perChatMs: 1000, perGroupMs: 3000, burst: 5 },
  receives: ['image', 'video', 'audio', 'file'],
}

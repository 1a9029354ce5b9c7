// A file of its own: the capability table alone is longer than a screen.
import type { Capabilities, MediaRung } from '../../src/contract/index.ts'
import { answerMs } from './deliveries.ts'
import { limits } from './wire.ts'

const second = 1000
const minute = 60 * second

const upload = (as: string, maxBytes: number, ...mime: readonly string[]): MediaRung => ({
  as,
  by: 'upload',
  maxBytes,
  mime,
  caption: 0,
  album: 1,
})

/** An article that leads to the file: takes everything, and works in the open request too. */
const news: MediaRung = { as: 'news', by: 'url', maxBytes: limits.linkBytes, mime: ['*'], caption: 0, album: 1 }

export const capabilities: Capabilities = {
  name: 'WeChat',
  intakes: ['webhook'],
  text: { max: limits.text, unit: 'byte', markup: 'plain' },
  media: {
    // The upload guide names 10 MB and 2 MB on one page: what is refused goes as an article.
    image: [upload('image', limits.imageBytes, 'image/jpeg', 'image/png'), news],
    video: [{ ...upload('video', limits.videoBytes, 'video/mp4'), previewBytes: limits.thumbBytes }, news],
    audio: [upload('voice', limits.voiceBytes, 'audio/mpeg', 'audio/amr'), news],
    file: [news],
  },
  call: { items: 1 },
  buttons: { kind: 'type', max: limits.buttons, perRow: 1, labelMax: limits.label },
  edit: null,
  // Lasts 15 s and can't be renewed before (45081).
  typing: { everyMs: 15 * second },
  threads: false,
  quotes: false,
  audiences: ['everyone'],
  // Nobody can be written to who did not write, and the address holds our own id.
  directByUserId: false,
  answer: { inlineMs: answerMs, tokenMs: null, push: 'quota', windowMs: 48 * 60 * minute },
  resend: 'marked',
  // Brought again within 15 s; a copied request is fresh for five minutes before and after its time.
  redeliveryMs: 10 * minute,
  staleAfterMs: 5 * minute,
  commands: 'none',
  pace: { concurrent: 8, everyMs: 20, perChatMs: 200, perGroupMs: 200, burst: 5 },
  receives: ['image', 'audio'],
}

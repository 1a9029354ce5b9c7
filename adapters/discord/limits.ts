// A file of its own: what Discord takes, read by the capabilities, the encoder and the tests (facts/discord §6).
import type { Capabilities, MediaRung } from '../../src/contract/index.ts'

const MiB = 1024 * 1024

export const limits = {
  content: 2000,
  description: 4096,
  embedTitle: 256,
  /** So many pictures are shown of cards that share one address; clients hide further ones. */
  gallery: 4,
  /** What is read to those who do not see a picture. */
  altText: 1024,
  files: 10,
  /** Of a server nobody boosts, and of direct chats: the smallest there is. */
  fileBytes: 10 * MiB,
  /** By the boost level of a server (Discord, guild object, `premium_tier`). */
  fileBytesByTier: [10 * MiB, 10 * MiB, 50 * MiB, 100 * MiB],
  /** A whole request; a margin stays for its other parts. */
  requestBytes: 24.5 * MiB,
  rows: 5,
  perRow: 5,
  label: 80,
  customId: 100,
  nonce: 25,
  choices: 25,
  choice: 100,
  options: 25,
  commands: 100,
  description100: 100,
} as const

/** An interaction's token lives 15 minutes; the last one is left to the way there. */
export const tokenMs = 14 * 60_000

const attachment: MediaRung = {
  as: 'attachment',
  by: 'upload',
  // What a boosted server takes; where it is less, sending it says so before anything is uploaded.
  maxBytes: limits.requestBytes,
  mime: ['*'],
  caption: limits.content,
  album: limits.files,
}
/** A still picture inside a card, below its words. Discord shows these kinds there, and no others. */
const card: MediaRung = {
  ...attachment,
  as: 'card',
  mime: ['image/png', 'image/jpeg', 'image/webp', 'image/gif'],
  animated: false,
}
/** A card that leads to the file; a picture is shown in it, and may be larger than an upload. */
const link: MediaRung = { ...attachment, as: 'link', by: 'url', maxBytes: 100 * MiB, album: 1 }

export const capabilities: Capabilities = {
  name: 'Discord',
  intakes: ['stream'],
  text: { max: limits.content, unit: 'utf16', markup: 'markdown' },
  media: {
    image: [card, attachment, link],
    video: [attachment, link],
    audio: [attachment, link],
    file: [attachment, link],
  },
  call: { items: 1 },
  buttons: {
    kind: 'press',
    max: limits.rows * limits.perRow,
    perRow: limits.perRow,
    labelMax: limits.label,
    withFiles: true,
  },
  // Five edits in five seconds and channel.
  edit: { everyMs: 2000, withinMs: null },
  // The sign lasts ten seconds.
  typing: { everyMs: 8000 },
  threads: true,
  quotes: true,
  // Commands and presses can be answered privately (their token can), messages can not.
  audiences: ['everyone'],
  // A direct chat is addressed by its person; its channel is looked up.
  directByUserId: true,
  answer: { inlineMs: null, tokenMs, push: 'always', windowMs: null },
  resend: 'deduplicated',
  // A nonce counts for a few minutes.
  keyMs: 2 * 60_000,
  // Missed events come again for some minutes after a resume.
  redeliveryMs: 60 * 60_000,
  staleAfterMs: 10 * 60_000,
  commands: 'menu',
  // 50 calls a second and bot, five messages in five seconds and channel.
  pace: { concurrent: 20, everyMs: 25, perChatMs: 1000, perGroupMs: 1000, burst: 5 },
  receives: ['image', 'video', 'audio', 'file'],
}

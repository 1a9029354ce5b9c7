// A file of its own: what Slack takes, read by the capabilities, the encoder and the tests (facts/slack §6, §7).
import type { Capabilities, MediaRung } from '../../src/contract/index.ts'

const GiB = 1024 ** 3
const minuteMs = 60_000

export const limits = {
  /** Slack takes more in one message, but nobody reads it; so many also fit into one edit and beside a file. */
  text: 3000,
  /** Text beside blocks: notifications show it. An edit takes 4000, entities counted as they are written. */
  fallback: 3900,
  buttons: 25,
  buttonLabel: 75,
  fileBytes: GiB,
  filesAtOnce: 10,
  /** A response_url lives half an hour. */
  responseMs: 30 * minuteMs,
} as const

/** All files go the same way; Slack shows what it can play. */
const file: MediaRung = {
  as: 'file',
  by: 'upload',
  maxBytes: limits.fileBytes,
  mime: ['*'],
  caption: limits.text,
  album: limits.filesAtOnce,
}

export const capabilities: Capabilities = {
  name: 'Slack',
  intakes: ['webhook', 'stream'],
  text: { max: limits.text, unit: 'utf16', markup: 'plain' },
  media: { image: [file], video: [file], audio: [file], file: [file] },
  call: { items: 1 },
  buttons: { kind: 'press', max: limits.buttons, perRow: 5, labelMax: limits.buttonLabel },
  // chat.update: 50 a minute for the whole workspace.
  edit: { everyMs: 3000, withinMs: null },
  typing: null,
  threads: true,
  quotes: false,
  // Private answers need the person's id, which comes with an event as its one-time token; later ones have none.
  audiences: ['everyone'],
  directByUserId: true,
  answer: { inlineMs: null, tokenMs: limits.responseMs, push: 'always', windowMs: null },
  resend: 'marked',
  // Three repeats within six minutes; with "delayed events" switched on hourly, for a day.
  redeliveryMs: 25 * 60 * minuteMs,
  staleAfterMs: 10 * minuteMs,
  commands: 'none',
  // One a second in a channel, some hundred a minute in a workspace.
  pace: { concurrent: 10, everyMs: 150, perChatMs: 1000, perGroupMs: 1000, burst: 3 },
  receives: ['image', 'video', 'audio', 'file'],
}

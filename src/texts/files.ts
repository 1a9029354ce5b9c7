import type { MediaKind } from '../contract/index.ts'
import { short, size } from './common.ts'

const names: Readonly<Record<MediaKind, string>> = {
  image: 'picture',
  video: 'video',
  audio: 'sound',
  file: 'file',
}

const many = (n: number, kind: MediaKind): string => `${n} ${names[kind]}${n === 1 ? '' : 's'}`
const list = (words: readonly string[]): string => words.map((word) => short(word, 40)).join(', ')

/** How to give what is still missing, where it was asked. */
const moreWays = {
  here: 'Send it here, then /run again within 10 minutes.',
  answer: 'Send it here and answer it with the same /run.',
  direct: 'That works in a direct chat with me: send them there, then /run.',
}

/** What is said about pictures and other files that people send as inputs. Each refusal ends with what to do. */
export const files = {
  name: (kind: MediaKind): string => names[kind],
  got: (kind: MediaKind, templates: readonly string[]) =>
    `Got the ${names[kind]}. Now send /run <template> <words> within 10 minutes, or later as an answer to it.${
      templates.length > 0 ? ` Made for it: ${list(templates)}.` : ''
    }`,
  usedLatest: (n: number, kind: MediaKind) =>
    n === 1 ? `(I took the ${names[kind]} you sent last.)` : `(I took the last ${many(n, kind)} you sent.)`,
  takesNone: (template: string, templates: readonly string[]) =>
    `Not started: ${template} takes no picture. Send /run without it${
      templates.length > 0 ? `, or use one of these: ${list(templates)}` : ''
    }.`,
  tooMany: (template: string, sent: number, takes: number) =>
    `Not started: ${template} takes ${many(takes, 'file')}, and ${sent} came. Send only what it needs.`,
  tooFew: (template: string, missing: readonly string[], kind: MediaKind, way: keyof typeof moreWays) =>
    `Not started: ${template} needs ${missing.length === 1 ? `a ${names[kind]}` : many(missing.length, kind)} more (${list(
      missing,
    )}). ${moreWays[way]}`,
  noSuch: (nth: number, sent: number, kind: MediaKind) =>
    sent === 0
      ? `Not started: there is no ${names[kind]} for @${nth}. Send it with the command, or up to 10 minutes before it.`
      : `Not started: you wrote @${nth}, but I have ${sent === 1 ? 'one file' : `${sent} files`} only.`,
  otherKind: (template: string, is: MediaKind, takes: readonly MediaKind[]) =>
    `Not started: ${template} takes a ${[...new Set(takes)].map((kind) => names[kind]).join(' or ')}, not a ${names[is]}.`,
  tooLarge: (maxBytes: number) => `Not started: that is larger than the ${size(maxBytes)} I take. Send it smaller.`,
  tooManyPixels: (millions: number) =>
    `Not started: that picture has more than ${millions} million pixels. Send it smaller.`,
  unreadable: 'Not started: I can not read that picture; it may have been cut off. Send it once more.',
  format: (is: string, wanted: MediaKind) =>
    wanted === 'image'
      ? `Not started: this is ${is}, and I take JPEG, PNG, WebP and GIF. Send it as a photo.`
      : `Not started: this is ${is}, and a ${names[wanted]} is wanted.`,
  gone: 'Not started: I could not fetch the file from this chat. Send it again.',
  refused: 'Not started: I am not allowed to fetch files from this chat. Tell the operator.',
  late: 'Not started: fetching the file took too long. Send it again, or a smaller one.',
  full: 'Not started: the connector has no room left for files. Tell the operator.',
  backend: (why: string) =>
    `Not started: I could not hand the file over. ${why} Answer it with the same /run when that is mended.`,
}

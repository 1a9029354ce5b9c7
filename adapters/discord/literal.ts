// A file of its own: pure text rules that keep a prompt from being taken for markup.

/** Left as they are: code blocks, and links, in which a backslash would be part of the address. A code block goes before
 *  a link that runs into it. */
const whole = /(```[\s\S]+?```|https?:\/\/(?:(?!```[\s\S]+?```)[^\s<])+(?<![.,:;"')\]]))/
/** What can begin or end formatting, a mention, a masked link or an emoji, wherever it stands. */
const special = /[\\*_~`|[<]|@(?=everyone|here)|:(?=[\w+-]+:)/g
/** Headings, quotes and lists begin a line. */
const lineStart = /^([ \t]*)(#{1,3}(?= )|-(?=#? )|>)/gm

/** Pure. A text as Discord shows it unchanged. At most twice as long. Right behind a link a "<" can't be escaped: the
 *  backslash would belong to the address. */
export const literal = (text: string): string =>
  text
    .split(whole)
    .map((piece, i, all) => (i % 2 === 1 ? piece : behind(all[i - 1], piece)))
    .join('')

const behind = (link: string | undefined, text: string): string =>
  link?.startsWith('http') && text.startsWith('<') ? `<${plain(text.slice(1))}` : plain(text)

const plain = (text: string): string =>
  text.replaceAll(special, (char) => `\\${char}`).replaceAll(lineStart, (_, indent, mark) => `${indent}\\${mark}`)

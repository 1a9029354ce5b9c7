// A file of its own: pure text rules that keep a prompt from being taken for markup.

/** Left as they are: code blocks, and links, in which a backslash would be part of the address. A code block goes before
 *  a link that runs into it. */
const whole = /(```[\s\S]+?```|https?:\/\/(?:(?!```[\s\S]+?```)[^\s<])+(?<![.,:;"')\]]))/
/** What can begin or end formatting, a mention or an emoji. As little as will do: whoever copies a message gets its source,
 *  and an id with a backslash in it is none. So `_` stays inside a word, and `~` and `|` alone. */
const special = /[\\*`<]|_(?![0-9A-Za-z])|(?<=_)_|~(?=~)|(?<=~)~|\|(?=\|)|(?<=\|)\||@(?=everyone|here)|:(?=[\w+-]+:)/g
/** Headings, quotes and lists begin a line. */
const lineStart = /^([ \t]*)(#{1,3}(?= )|-(?=#? )|>)/gm

/** Pure. A text as Discord shows it unchanged. At most twice as long. Right behind a link a "<" can't be escaped: the
 *  backslash would belong to the address. */
export const literal = (text: string): string => {
  const pieces = text.split(whole).map((piece, i, all) => (i % 2 === 1 ? piece : behind(all[i - 1], piece)))
  // A bracket alone is one; only with an address behind it, it hides where it leads.
  if (!text.includes('](')) return pieces.join('')
  return pieces.map((piece, i) => (i % 2 === 1 ? piece : piece.replaceAll('[', '\\['))).join('')
}

const behind = (link: string | undefined, text: string): string =>
  link?.startsWith('http') && text.startsWith('<') ? `<${plain(text.slice(1))}` : plain(text)

const plain = (text: string): string =>
  text.replaceAll(special, (char) => `\\${char}`).replaceAll(lineStart, (_, indent, mark) => `${indent}\\${mark}`)

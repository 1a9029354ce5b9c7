// A file of its own: pure text rules that keep a prompt from being taken for markup.

/** Left as they are: code blocks, and links, in which a backslash would be part of the address. A code block goes before
 *  a link that runs into it. */
const whole = /(```[\s\S]+?```|https?:\/\/(?:(?!```[\s\S]+?```)[^\s<])+(?<![.,:;"')\]]))/
/** What can begin or end formatting, a mention or an emoji, and `also` these characters. As little as will do: whoever copies
 *  a message gets its source, and an id with a backslash in it is none. So `~` and `|` stay alone, and `_` inside a word,
 *  where it can begin something, but not end it. */
const special = (also: string): RegExp =>
  new RegExp(
    `[\\\\*\`<${also}]|_(?![0-9A-Za-z])|(?<=_)_|~(?=~)|(?<=~)~|\\|(?=\\|)|(?<=\\|)\\||` +
      '@(?=everyone|here)|:(?=[\\w+-]+:)',
    'g',
  )
/** Headings, quotes and lists begin a line. */
const lineStart = /^([ \t]*)(#{1,3}(?= )|-(?=#? )|>)/gm

/** Pure. A text as Discord shows it unchanged. At most twice as long. Right behind a link a "<" can't be escaped: the
 *  backslash would belong to the address. */
export const literal = (text: string): string => {
  const pieces = text.split(whole)
  // Only with an address behind it a bracket hides something; and what is left as it is can end what began before.
  const bracket = text.includes('](') ? '[' : ''
  const word = pieces.some((piece, i) => i % 2 === 1 && /_(?![0-9A-Za-z])/.test(piece)) ? '_' : ''
  const chars = special(`${bracket}${word}`)
  return pieces.map((piece, i) => (i % 2 === 1 ? piece : behind(pieces[i - 1], piece, chars))).join('')
}

const behind = (link: string | undefined, text: string, chars: RegExp): string =>
  link?.startsWith('http') && text.startsWith('<') ? `<${plain(text.slice(1), chars)}` : plain(text, chars)

const plain = (text: string, chars: RegExp): string =>
  text.replaceAll(chars, (char) => `\\${char}`).replaceAll(lineStart, (_, indent, mark) => `${indent}\\${mark}`)

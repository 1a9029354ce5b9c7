/** What a person sees of a text, as far as these tests need it: escapes are gone, formatting has done its work. Fences
 *  stay as they were written, so that code can be told from words. */
export const rendered = (text: string): string =>
  text
    .split(/(```[\s\S]+?```)/)
    .map((piece, i) => (i % 2 === 1 ? piece : inline(piece)))
    .join('')

type Rule = readonly [RegExp, (match: readonly string[]) => string]

/** In the order in which the client tries them; each anchored where it stands. */
const rules: readonly Rule[] = [
  [/^\\([^0-9A-Za-z\s])/, ([, char = '']) => char],
  [/^(`+)([\s\S]*?[^`])\1(?!`)/, ([, , code = '']) => `{code ${code}}`],
  [/^https?:\/\/[^\s<]+[^<.,:;"')\]\s]/, ([url = '']) => url],
  [/^<(@[!&]?|#)(\d+)>/, ([, sort = '', id = '']) => `{mention ${sort}${id}}`],
  [/^<a?:(\w+):\d+>/, ([, name = '']) => `{emoji ${name}}`],
  [/^<t:-?\d+(?::\w)?>/, () => '{time}'],
  [/^@(everyone|here)/, ([, who = '']) => `{mention @${who}}`],
  [/^\[([^\]]+)\]\(([^)\s]+)\)/, ([, label = '']) => `{link ${inline(label)}}`],
  [/^\|\|([\s\S]+?)\|\|/, () => '{spoiler}'],
  [/^~~(?=\S)([\s\S]*?\S)~~(?!_)/, ([, inner = '']) => `{strike ${inline(inner)}}`],
  [/^\*\*([\s\S]+?)\*\*(?!\*)/, ([, inner = '']) => `{bold ${inline(inner)}}`],
  [/^__([\s\S]+?)__(?!_)/, ([, inner = '']) => `{underline ${inline(inner)}}`],
  [/^\*(?=\S)((?:\*\*|\s+(?:[^*\s]|\*\*)|[^\s*])+?)\*(?!\*)/, ([, inner = '']) => `{italic ${inline(inner)}}`],
  [/^\b_((?:__|\\[\s\S]|[^\\_])+?)_\b/, ([, inner = '']) => `{italic ${inline(inner)}}`],
  [/^:(tada|fox|smile|fire|heart):/, ([, name = '']) => `{emoji ${name}}`],
]
const lineRules: readonly Rule[] = [
  [/^(#{1,3}|-#) +(?=\S)/, () => '{heading}'],
  [/^>(?:>>)? +(?=\S)/, () => '{quote}'],
  [/^ *[-*] +(?=\S)/, () => '{bullet}'],
]

function inline(text: string): string {
  let out = ''
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at)
    const lineStart = at === 0 || text[at - 1] === '\n'
    const found = [...(lineStart ? lineRules : []), ...rules]
      .map(([pattern, show]) => ({ match: pattern.exec(rest), show }))
      .find(({ match }) => match !== null)
    out += found?.match ? found.show(found.match) : rest[0]
    at += found?.match ? found.match[0].length : 1
  }
  return out
}

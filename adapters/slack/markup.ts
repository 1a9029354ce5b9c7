// A file of its own: Slack's text form, in and out, is pure text rules with a property test.

/** Slack writes these three and no other character as an entity (Slack, "Escaping text"). */
export const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** The ampersand last, so that `&amp;lt;` stays the `&lt;` that was typed. */
const unescapeText = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')

/** What stands between raw angle brackets is Slack's; what a person typed there comes escaped. Slash commands come
 *  unescaped, so anything that is not of a known form is theirs. */
const entity = /<(?:@([UW][A-Z0-9]+)|#([CGD][A-Z0-9]+)|!([a-z]+)|((?:https?|mailto|tel):[^<>|]*))([|^][^<>]*)?>/g

const labelOf = (rest: string | undefined): string => {
  const at = rest?.lastIndexOf('|') ?? -1
  return rest === undefined || at < 0 ? '' : rest.slice(at + 1)
}

const linkText = (url: string, label: string): string => {
  // Slack labels what it made a link by itself with what was typed.
  if (label === '') return url.replace(/^(?:mailto|tel):/, '')
  return url.replace(/\/$/, '').endsWith(label.replace(/\/$/, '')) ? label : `${label} (${url})`
}

/** Whose mention stands in front of everything; null for nobody's. */
export const firstNamed = (raw: string): string | null => /^\s*<@([UW][A-Z0-9]+)[|>]/.exec(raw)?.[1] ?? null

export interface Spoken {
  /** As it was typed, our mentions cut off. */
  readonly text: string
  readonly mentioned: boolean
  /** Somebody is mentioned, us or not. */
  readonly mentions: boolean
}

/** What was typed. `botUser`: our bot's user id in that workspace. */
export const spoken = (raw: string, botUser: string | null): Spoken => {
  let text = ''
  let at = 0
  let mentioned = false
  let mentions = false
  for (const match of raw.matchAll(entity)) {
    const [whole, user, channel, special, url, rest] = match
    const label = labelOf(rest)
    text += raw.slice(at, match.index)
    at = match.index + whole.length
    if (user !== undefined && user === botUser) {
      mentioned = true
      const after = raw.slice(at)
      // In front of everything the mention is an address: "@bot, /run …".
      if (text.trim() === '') {
        text = ''
        at += after.length - after.replace(/^[\s,:]+/, '').length
      } else if (/\s$/.test(text)) at += after.length - after.replace(/^[ \t]+/, '').length
    } else if (user !== undefined) {
      mentions = true
      text += `@${label || user}`
    } else if (channel !== undefined) text += `#${label || channel}`
    else if (special !== undefined) text += label || `@${special}`
    else text += linkText(url ?? '', label)
  }
  text += raw.slice(at)
  return { text: unescapeText(text).toWellFormed().trim(), mentioned, mentions: mentions || mentioned }
}

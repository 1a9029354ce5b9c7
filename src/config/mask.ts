/** Shorter values are not searched for: they would hit ordinary words. */
export const minSecretLength = 6
const shownFrom = 12

/** A secret as it may be shown: `abc…(24 characters)`; a short one shows nothing but its length. */
export const mask = (secret: string): string =>
  `${secret.length >= shownFrom ? secret.slice(0, 3) : ''}…(${secret.length} characters)`

/** What was read, quoted for a sentence: control characters escaped, cut at 60 characters. */
export const quote = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)

const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
const jsonForm = (text: string): string => JSON.stringify(text).slice(1, -1)
const lowerHex = (text: string): string => text.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase())

/** All spellings under which a secret can turn up in a line of JSON that quotes a URL, a form or another JSON. */
function spellings(secret: string): readonly string[] {
  const encoded = encodeURIComponent(secret.toWellFormed())
  const form = new URLSearchParams({ s: secret }).toString().slice(2)
  const plain = [secret, encoded, lowerHex(encoded), form, lowerHex(form)]
  return plain.flatMap((text) => [text, jsonForm(text), jsonForm(jsonForm(text))])
}

/** Replaces every secret in a text by `***`. One compiled pattern, one pass, whatever the number of secrets. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const wanted = new Set(secrets.filter((secret) => secret.length >= minSecretLength).flatMap(spellings))
  if (wanted.size === 0) return (text) => text
  // Longest first, so that a secret which begins with another one does not leave its tail behind.
  const longestFirst = [...wanted].sort((a, b) => b.length - a.length)
  const pattern = new RegExp(longestFirst.map(escapeRegExp).join('|'), 'g')
  return (text) => text.replace(pattern, '***')
}

const quotedPath = /(['"`])(?:~?\/|[a-z]:[\\/]|\\\\)[^\n]*?\1/gi
const url = /\b[a-z][a-z0-9+.-]*:\/\/[^\s'"`<>]*/gi
const windowsPath = /\b[a-z]:[\\/]+(?:[^\\/:*?"<>|\n]+[\\/]+)*[^\s\\/:*?"'`<>|,;)]*/gi
const sharePath = /\\\\[^\s\\]+\\[^\s'"`,;)]*/g
const unixPath = /(?<![\p{L}\p{N}_.…])~?\/[^\s'"`,;:()[\]{}<>|]+/gu
const keyLike = /\b(?:bearer\s+\S+|(?:sk|pk|xai|gsk|key|token)[-_][\w*.-]{6,})/gi
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is being removed
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g
const fileName = /^[\w .()+-]{1,80}\.[a-z0-9]{1,12}$/i

/** A path is a fact about the operator's machine; the name of the file at its end helps the person who reads it. */
const nameOf = (path: string): string => {
  const last = path.split(/[\\/]+/).at(-1) ?? ''
  return fileName.test(last) ? last : '…'
}

/** Takes absolute paths (of both worlds), addresses and things that look like keys out of a text. */
const scrub = (text: string): string =>
  text
    .replace(keyLike, '…')
    .replace(quotedPath, (match) => `${match[0]}${nameOf(match.slice(1, -1))}${match[0]}`)
    .replace(url, '…')
    .replace(windowsPath, nameOf)
    .replace(sharePath, nameOf)
    .replace(unixPath, nameOf)

const clip = (text: string, max: number): string => {
  const points = Array.from(text)
  return points.length <= max ? text : `${points.slice(0, max - 1).join('')}…`
}

/** One line that may be shown: no control characters, paths, addresses or keys, at most `max` code points. */
export const safeLine = (text: string, max: number): string =>
  clip(scrub(text.slice(0, 4 * max + 1000).replace(control, ' ')).trim(), max)

/** The first line with something in it, made safe. */
export const firstLine = (text: string, max: number): string =>
  safeLine(
    text
      .slice(0, 10_000)
      .split(/\r?\n/)
      .find((line) => line.trim() !== '') ?? '',
    max,
  )

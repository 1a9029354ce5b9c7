/** A part of a file: `end` is exclusive. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** RFC 9110, section 14: one byte range; null when the header is absent, malformed or asks for several, which may be
 *  answered with the whole. */
export const readRange = (header: string | undefined, size: number): ByteRange | 'unsatisfiable' | null => {
  const [, from, to] = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(header ?? '') ?? []
  if (from === undefined || to === undefined || (from === '' && to === '')) return null
  if (from === '') {
    const last = Number(to)
    return last === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - last), end: size }
  }
  const start = Number(from)
  if (to !== '' && Number(to) < start) return null
  if (start >= size) return 'unsatisfiable'
  return { start, end: to === '' ? size : Math.min(size, Number(to) + 1) }
}

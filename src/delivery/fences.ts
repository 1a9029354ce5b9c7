/** A fenced code block, as offsets into its text. */
export interface Fence {
  /** Start of the opening line. */
  readonly start: number
  /** Start of the first line inside. */
  readonly body: number
  /** Start of the closing line; the end of the text when it is never closed. */
  readonly bodyEnd: number
  readonly end: number
  /** The opening line with its line break: put in front of what goes on in the next piece. */
  readonly open: string
  /** The backticks that close it, behind a line break. */
  readonly close: string
}

// CommonMark 0.31, section 4.5: at most three spaces of indent, three backticks or more, none in the info string.
const opening = /^ {0,3}(`{3,})[^`\n]*$/
const closing = /^ {0,3}(`{3,})[ \t\r]*$/

/** All fenced blocks in order. One pass over the lines. */
export function fencesOf(text: string): readonly Fence[] {
  if (!text.includes('```')) return []
  const found: Fence[] = []
  let open: { start: number; body: number; ticks: string } | null = null
  for (let start = 0; start < text.length; ) {
    const lineBreak = text.indexOf('\n', start)
    const end = lineBreak < 0 ? text.length : lineBreak
    const next = lineBreak < 0 ? end : end + 1
    const ticks = ticksAt(text, start, end, open ? closing : opening)
    if (!open && ticks) {
      open = { start, body: next, ticks }
    } else if (open && ticks && ticks.length >= open.ticks.length) {
      found.push(fence(text, open, start, end))
      open = null
    }
    start = next
  }
  if (open) found.push(fence(text, open, text.length, text.length))
  return found
}

const ticksAt = (text: string, start: number, end: number, pattern: RegExp): string | null => {
  // Most lines are no fence: look at their first characters before taking the line out.
  if (!text.slice(start, Math.min(end, start + 6)).includes('```')) return null
  return pattern.exec(text.slice(start, end))?.[1] ?? null
}

const fence = (
  text: string,
  open: { readonly start: number; readonly body: number; readonly ticks: string },
  bodyEnd: number,
  end: number,
): Fence => ({
  start: open.start,
  body: open.body,
  bodyEnd,
  end,
  open: `${text.slice(open.start, open.body).trimEnd()}\n`,
  close: `\n${open.ticks}`,
})

// Beside the usual file names: draws a picture inside the terminal where it can show one.
import { decodePng, type Pixels } from './png.ts'
import type { Drawing } from './terminal.ts'

const MAX_BYTES = 8 * 1024 * 1024
const COLUMNS = 40
const ROWS = 24

/** The escape sequences that draw it, with a newline at the end; empty where it can't be drawn. */
export async function draw(blob: Blob, mime: string, drawing: Drawing, columns: number): Promise<string> {
  if (drawing === 'none' || !mime.startsWith('image/') || blob.size > MAX_BYTES) return ''
  const width = Math.max(1, Math.min(COLUMNS, columns - 2))
  const bytes = await blob.bytes()
  if (drawing === 'iterm') return iterm(bytes, width)
  if (drawing === 'kitty') return mime === 'image/png' ? kitty(bytes, width) : ''
  const pixels = await decodePng(bytes)
  return pixels ? halfBlocks(pixels, width) : ''
}

/** Inline Images Protocol of iTerm2 (iterm2.com/documentation-images.html). */
const iterm = (bytes: Uint8Array, width: number): string =>
  `\x1b]1337;File=inline=1;size=${bytes.length};width=${width};preserveAspectRatio=1:${base64(bytes)}\x07\n`

/** Terminal graphics protocol of kitty; `q=2` keeps the terminal from answering into our input. */
const kitty = (bytes: Uint8Array, width: number): string => {
  const chunks = base64(bytes).match(/.{1,4096}/gs) ?? []
  const parts = chunks.map((chunk, nth) => {
    const more = nth < chunks.length - 1 ? 1 : 0
    return `\x1b_G${nth === 0 ? `a=T,f=100,q=2,c=${width},` : ''}m=${more};${chunk}\x1b\\`
  })
  return `${parts.join('')}\n`
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

/** Two pixels a character: the upper one as the colour of `▀`, the lower one as its background. */
function halfBlocks(pixels: Pixels, columns: number): string {
  const scale = Math.max(pixels.width / columns, pixels.height / (ROWS * 2))
  const width = Math.max(1, Math.floor(pixels.width / scale))
  const height = Math.max(2, Math.floor(pixels.height / scale))
  const colour = (x: number, y: number): string => averaged(pixels, x * scale, y * scale, scale).join(';')
  const rows = Array.from({ length: Math.floor(height / 2) }, (_, row) => {
    const cells = Array.from(
      { length: width },
      (_, x) => `\x1b[38;2;${colour(x, row * 2)}m\x1b[48;2;${colour(x, row * 2 + 1)}m▀`,
    )
    return `  ${cells.join('')}\x1b[0m\n`
  })
  return rows.join('')
}

/** The mean of up to sixteen pixels spread over the square that starts at (x, y). */
function averaged(pixels: Pixels, x: number, y: number, side: number): readonly number[] {
  const spots = [0.125, 0.375, 0.625, 0.875].map((part) => part * side)
  const samples = spots.flatMap((dy) =>
    spots.map((dx) =>
      pixels.at(Math.min(pixels.width - 1, Math.floor(x + dx)), Math.min(pixels.height - 1, Math.floor(y + dy))),
    ),
  )
  return [0, 1, 2].map((channel) => Math.round(samples.reduce((sum, s) => sum + (s[channel] ?? 0), 0) / samples.length))
}

import { type Format, formats } from './formats.ts'
import { stripGif } from './strip-gif.ts'
import { type Pieces, stripJpeg } from './strip-jpeg.ts'
import { stripPng } from './strip-png.ts'
import { stripWebp } from './strip-webp.ts'

export type { Pieces } from './strip-jpeg.ts'

const strippers = new Map<Format, (bytes: Uint8Array) => Pieces | null>([
  [formats.jpeg, stripJpeg],
  [formats.png, stripPng],
  [formats.webp, stripWebp],
  [formats.gif, stripGif],
])

/** Whether pictures of this format are taken as inputs. */
export const isStrippable = (format: Format): boolean => strippers.has(format)

/** The picture without place, device, names and prompts, in pieces that share the memory of `bytes`. Null: it is not
 *  a whole picture of this format. */
export const strip = (bytes: Uint8Array, format: Format): Pieces | null => strippers.get(format)?.(bytes) ?? null

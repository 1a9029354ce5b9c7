import { type Format, formats } from './formats.ts'

const ascii = (head: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...head.subarray(from, Math.min(to, head.length)))

const starts = (head: Uint8Array, ...bytes: readonly number[]): boolean => bytes.every((byte, i) => head[i] === byte)

/** The format that the first bytes name, of those that have a signature. */
export const formatOfBytes = (head: Uint8Array): Format | null => {
  const four = ascii(head, 0, 4)
  if (starts(head, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return formats.png
  if (starts(head, 0xff, 0xd8, 0xff)) return formats.jpeg
  if (four === 'GIF8' && /^GIF8[79]a$/.test(ascii(head, 0, 6))) return formats.gif
  if (four === 'RIFF') return riff(ascii(head, 8, 12))
  if (ascii(head, 4, 8) === 'ftyp') return isoMedia(ascii(head, 8, 12))
  if (starts(head, 0x1a, 0x45, 0xdf, 0xa3)) return ascii(head, 4, 64).includes('webm') ? formats.webm : formats.mkv
  if (four === 'OggS') return /theora/.test(ascii(head, 0, 512)) ? formats.ogv : formats.ogg
  if (four === 'fLaC') return formats.flac
  // RFC 4867, section 5: narrow band `#!AMR\n`, wide band `#!AMR-WB\n`.
  if (/^#!AMR(?:-WB)?\n/.test(ascii(head, 0, 9))) return formats.amr
  if (ascii(head, 0, 3) === 'ID3') return formats.mp3
  if (ascii(head, 0, 5) === '%PDF-') return formats.pdf
  if (starts(head, 0x50, 0x4b, 0x03, 0x04) || starts(head, 0x50, 0x4b, 0x05, 0x06)) return formats.zip
  if (starts(head, 0x1f, 0x8b, 0x08)) return formats.gzip
  if (four === 'glTF') return formats.glb
  if (starts(head, 0x76, 0x2f, 0x31, 0x01)) return formats.exr
  if (four === 'II*\0' || four === 'MM\0*') return formats.tiff
  // Two letters are little: the four reserved bytes behind the length are zero as well.
  if (ascii(head, 0, 2) === 'BM' && ascii(head, 6, 10) === '\0\0\0\0') return formats.bmp
  return mpegAudio(head)
}

const riff = (form: string): Format | null =>
  form === 'WEBP' ? formats.webp : form === 'WAVE' ? formats.wav : form === 'AVI ' ? formats.avi : null

/** ISO 14496-12, section 4.3: the major brand. */
const isoMedia = (brand: string): Format => {
  if (brand === 'avif' || brand === 'avis') return formats.avif
  if (/^(hei[cxms]|hev[cxms]|mif1|msf1)$/.test(brand)) return formats.heic
  if (/^M4[AB] $/.test(brand)) return formats.m4a
  return brand === 'qt  ' ? formats.mov : formats.mp4
}

/** Frame header of MPEG audio (ISO 11172-3, section 2.4.2.3) without its reserved values, and ADTS, whose layer is 0. */
const mpegAudio = (head: Uint8Array): Format | null => {
  const [sync = 0, version = 0, rates = 0] = head
  if (sync !== 0xff || (version & 0xe0) !== 0xe0) return null
  const layer = (version >> 1) & 3
  if (layer === 0) return (version & 0xf0) === 0xf0 ? formats.aac : null
  const isReserved = ((version >> 3) & 3) === 1 || rates >> 4 === 15 || ((rates >> 2) & 3) === 3
  return isReserved ? null : formats.mp3
}

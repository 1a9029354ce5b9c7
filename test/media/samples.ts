/** The first bytes of files, made after their formats' descriptions; only as much of them as tells what they are. */
const bytes = (...parts: readonly (string | readonly number[])[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part, 'latin1')] : [...part])))

const be = (value: number, width: number): number[] =>
  Array.from({ length: width }, (_, i) => Math.floor(value / 256 ** (width - 1 - i)) % 256)
const le = (value: number, width: number): number[] => be(value, width).reverse()

const chunk = (name: string, data: readonly number[]) => [
  ...be(data.length, 4),
  ...Buffer.from(name),
  ...data,
  0,
  0,
  0,
  0,
]

const pngStart = (width: number, height: number) => [
  [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
  chunk('IHDR', [...be(width, 4), ...be(height, 4), 8, 6, 0, 0, 0]),
]
const workflow = chunk('tEXt', [...Buffer.from('prompt\0'), ...new Array(100_000).fill(0x7b)])

export const png = (width: number, height: number) => bytes(...pngStart(width, height), workflow, chunk('IDAT', [1, 2]))

export const movingPng = (width: number, height: number) =>
  bytes(...pngStart(width, height), workflow, chunk('acTL', [0, 0, 0, 2, 0, 0, 0, 0]), chunk('IDAT', [1, 2]))

const gifFrame = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x4c, 1, 0]
const gifStart = (width: number, height: number) => [
  'GIF89a',
  le(width, 2),
  le(height, 2),
  [0x80, 0, 0],
  [1, 2, 3, 4, 5, 6],
]
const gifDelay = [0x21, 0xf9, 4, 0, 10, 0, 0, 0]

export const gif = (width: number, height: number) => bytes(...gifStart(width, height), gifDelay, gifFrame, [0x3b])
export const gifOfTwoFrames = (width: number, height: number) =>
  bytes(...gifStart(width, height), gifDelay, gifFrame, gifDelay, gifFrame, [0x3b])
export const loopingGif = (width: number, height: number) =>
  bytes(...gifStart(width, height), [0x21, 0xff, 11], 'NETSCAPE2.0', [3, 1, 0, 0, 0], gifDelay, gifFrame)

export const webp = (width: number, height: number, animated: boolean) =>
  bytes(
    'RIFF',
    le(100, 4),
    'WEBPVP8X',
    le(10, 4),
    [animated ? 2 : 0, 0, 0, 0],
    le(width - 1, 3),
    le(height - 1, 3),
    [0, 0, 0, 0],
  )

export const jpeg = (width: number, height: number) =>
  bytes(
    [0xff, 0xd8, 0xff, 0xe0],
    be(16, 2),
    'JFIF\0',
    [1, 1, 0, 0, 1, 0, 1, 0, 0],
    [0xff, 0xc0],
    be(17, 2),
    [8],
    be(height, 2),
    be(width, 2),
    [3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1],
    [0xff, 0xd9],
  )

const box = (brand: string) => bytes(be(24, 4), 'ftyp', brand, be(512, 4), 'isommp42')

export const heads: Readonly<Record<string, readonly [head: Uint8Array, kind: string, mime: string]>> = {
  png: [png(1, 1), 'image', 'image/png'],
  jpeg: [jpeg(1, 1), 'image', 'image/jpeg'],
  gif: [gif(1, 1), 'image', 'image/gif'],
  webp: [webp(1, 1, false), 'image', 'image/webp'],
  avif: [box('avif'), 'image', 'image/avif'],
  heic: [box('heic'), 'image', 'image/heic'],
  bmp: [bytes('BM', le(200, 4), [0, 0, 0, 0], le(54, 4), le(40, 4), le(1, 4), le(1, 4)), 'image', 'image/bmp'],
  tiff: [bytes('II*\0', le(8, 4)), 'image', 'image/tiff'],
  mp4: [box('isom'), 'video', 'video/mp4'],
  mov: [box('qt  '), 'video', 'video/quicktime'],
  webm: [bytes([0x1a, 0x45, 0xdf, 0xa3, 0x9f, 0x42, 0x82, 0x84], 'webm'), 'video', 'video/webm'],
  mkv: [bytes([0x1a, 0x45, 0xdf, 0xa3, 0x9f, 0x42, 0x82, 0x88], 'matroska'), 'video', 'video/x-matroska'],
  avi: [bytes('RIFF', le(100, 4), 'AVI LIST'), 'video', 'video/x-msvideo'],
  'mp3 with tags': [bytes('ID3', [4, 0, 0, 0, 0, 0, 0]), 'audio', 'audio/mpeg'],
  'mp3 without tags': [bytes([0xff, 0xfb, 0x90, 0x64]), 'audio', 'audio/mpeg'],
  amr: [bytes('#!AMR\n', [0x3c, 0x91]), 'audio', 'audio/amr'],
  'amr in wide band': [bytes('#!AMR-WB\n', [0x44]), 'audio', 'audio/amr'],
  aac: [bytes([0xff, 0xf1, 0x50, 0x80]), 'audio', 'audio/aac'],
  wav: [bytes('RIFF', le(100, 4), 'WAVEfmt '), 'audio', 'audio/wav'],
  ogg: [bytes('OggS', new Array(24).fill(0), 'OpusHead'), 'audio', 'audio/ogg'],
  'ogg video': [bytes('OggS', new Array(24).fill(0), [0x80], 'theora'), 'video', 'video/ogg'],
  flac: [bytes('fLaC', [0, 0, 0, 34]), 'audio', 'audio/flac'],
  m4a: [box('M4A '), 'audio', 'audio/mp4'],
  pdf: [bytes('%PDF-1.7\n'), 'file', 'application/pdf'],
  zip: [bytes('PK', [3, 4, 20, 0]), 'file', 'application/zip'],
  glb: [bytes('glTF', le(2, 4)), 'file', 'model/gltf-binary'],
  json: [bytes('{"a": [1, 2]}'), 'file', 'application/json'],
  text: [bytes('A red fox\n'), 'file', 'text/plain'],
  'text that only looks like JSON': [bytes('[Verse 1]\nla la'), 'file', 'text/plain'],
  svg: [bytes('<?xml version="1.0"?>\n<svg xmlns="x"><script/></svg>'), 'file', 'image/svg+xml'],
  html: [bytes('\n<!DOCTYPE html><html></html>'), 'file', 'text/html'],
  xml: [bytes('<?xml version="1.0"?><a/>'), 'file', 'application/xml'],
  'bytes without meaning': [bytes([0, 1, 2, 3, 250, 251]), 'file', 'application/octet-stream'],
  nothing: [bytes(), 'file', 'application/octet-stream'],
}

import type { MediaKind } from '../contract/index.ts'

export interface Format {
  readonly kind: MediaKind
  readonly mime: string
  /** The extension under which the store keeps it; unique per format. */
  readonly ext: string
  /** A plain picture, video or sound: browsers may show it in place. */
  readonly plain: boolean
  /** Served under its own type. Absent: as bytes without meaning, because a browser could run it. */
  readonly passive: boolean
}

const row = (kind: MediaKind, mime: string, ext: string, plain: boolean, passive = true): Format => ({
  kind,
  mime,
  ext,
  plain,
  passive,
})

/** Every format that is told apart. What is none of these is `binary`. */
export const formats = {
  png: row('image', 'image/png', 'png', true),
  jpeg: row('image', 'image/jpeg', 'jpg', true),
  gif: row('image', 'image/gif', 'gif', true),
  webp: row('image', 'image/webp', 'webp', true),
  avif: row('image', 'image/avif', 'avif', true),
  bmp: row('image', 'image/bmp', 'bmp', true),
  heic: row('image', 'image/heic', 'heic', false),
  tiff: row('image', 'image/tiff', 'tif', false),
  exr: row('file', 'image/x-exr', 'exr', false),
  mp4: row('video', 'video/mp4', 'mp4', true),
  mov: row('video', 'video/quicktime', 'mov', true),
  webm: row('video', 'video/webm', 'webm', true),
  mkv: row('video', 'video/x-matroska', 'mkv', false),
  avi: row('video', 'video/x-msvideo', 'avi', false),
  ogv: row('video', 'video/ogg', 'ogv', true),
  mp3: row('audio', 'audio/mpeg', 'mp3', true),
  amr: row('audio', 'audio/amr', 'amr', true),
  aac: row('audio', 'audio/aac', 'aac', true),
  m4a: row('audio', 'audio/mp4', 'm4a', true),
  wav: row('audio', 'audio/wav', 'wav', true),
  ogg: row('audio', 'audio/ogg', 'ogg', true),
  flac: row('audio', 'audio/flac', 'flac', true),
  pdf: row('file', 'application/pdf', 'pdf', false),
  zip: row('file', 'application/zip', 'zip', false),
  gzip: row('file', 'application/gzip', 'gz', false),
  glb: row('file', 'model/gltf-binary', 'glb', false),
  json: row('file', 'application/json', 'json', false),
  csv: row('file', 'text/csv', 'csv', false),
  markdown: row('file', 'text/markdown', 'md', false),
  subtitles: row('file', 'application/x-subrip', 'srt', false),
  text: row('file', 'text/plain', 'txt', false),
  html: row('file', 'text/html', 'html', false, false),
  svg: row('file', 'image/svg+xml', 'svg', false, false),
  xml: row('file', 'application/xml', 'xml', false, false),
  binary: row('file', 'application/octet-stream', 'bin', false, false),
} as const satisfies Readonly<Record<string, Format>>

const byExt = new Map<string, Format>(Object.values(formats).map((format) => [format.ext, format]))

export const formatOf = (ext: string): Format => byExt.get(ext) ?? formats.binary

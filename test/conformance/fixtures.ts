import { randomUUID } from 'node:crypto'
import type {
  Artifact,
  Capabilities,
  InboundEvent,
  Log,
  MediaKind,
  MediaRung,
  Part,
  PartItem,
} from '../../src/contract/index.ts'

/** A log that writes errors out as the real one does (message, stack, causes, own fields). */
export const telling = (): { readonly log: Log; readonly texts: readonly string[] } => {
  const texts: string[] = []
  const put = (fields: object, message: string): void => {
    texts.push(`${message} ${JSON.stringify(fields, (_, value) => (value instanceof Error ? opened(value) : value))}`)
  }
  return { texts, log: { debug: put, info: put, warn: put, error: put } }
}

const opened = (error: Error): object => ({
  ...error,
  name: error.name,
  message: error.message,
  stack: error.stack,
  cause: error.cause instanceof Error ? opened(error.cause) : error.cause,
})

const MIB = 1024 * 1024
/** Rungs above this are tried with a small file only, so that the suite stays fast. */
const LARGEST_TRIED = 12 * MIB

/** First bytes by which fakes (and platforms) recognise a file. */
const HEADS: Readonly<Record<string, Buffer>> = {
  'image/png': Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  ),
  'image/jpeg': Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0]),
  'image/gif': Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64'),
  'video/mp4': Buffer.from('000000206674797069736f6d0000020069736f6d69736f32617663316d703431', 'hex'),
  'audio/mpeg': Buffer.from('ID3\x03\x00\x00\x00\x00\x00\x00', 'latin1'),
  'audio/ogg': Buffer.from('OggS', 'latin1'),
}
const USUAL: Readonly<Record<MediaKind, string>> = {
  image: 'image/png',
  video: 'video/mp4',
  audio: 'audio/mpeg',
  file: 'application/zip',
}
const ENDINGS: Readonly<Record<string, string>> = { 'image/jpeg': 'jpg', 'audio/mpeg': 'mp3', 'application/zip': 'zip' }

const takes = (rung: MediaRung, mime: string): boolean =>
  rung.mime.some((taken) => taken === '*' || taken === mime || taken === mime.replace(/\/.*/, '/*'))

const previewOf = (bytes: number): Artifact['preview'] => ({
  blob: `image/jpeg|${bytes}|preview`,
  mime: 'image/jpeg',
  bytes,
})

/** A file the rung says it takes: of its largest size where that is cheap, moving where the rung wants that. */
export const artifactFor = (kind: MediaKind, rung: MediaRung, nth = 1): Artifact => {
  const wanted = rung.animated ? ['image/gif', 'video/mp4'] : [USUAL[kind], 'image/jpeg', 'audio/ogg']
  const mime = wanted.find((one) => takes(rung, one)) ?? rung.mime[0] ?? USUAL[kind]
  const bytes = rung.maxBytes <= LARGEST_TRIED && nth === 1 ? rung.maxBytes : 64 * 1024
  return {
    kind,
    blob: `${mime}|${bytes}|${kind}-${rung.as}-${nth}`,
    name: `${kind}-${rung.as}-${nth}.${ENDINGS[mime] ?? mime.split('/')[1] ?? 'bin'}`,
    mime,
    bytes,
    ...(kind === 'image' || kind === 'video' ? { width: 64, height: 64 } : {}),
    ...(rung.animated === undefined ? {} : { animated: rung.animated }),
    ...(rung.previewBytes === undefined ? {} : { preview: previewOf(rung.previewBytes) }),
  }
}

/** The bytes of an artifact made above, without keeping any. */
export const makeBlobs = () => ({
  open: async (blob: string): Promise<Blob> => {
    const [mime = '', bytes = '64'] = blob.split('|')
    const head = HEADS[mime] ?? Buffer.from('PK\x03\x04', 'latin1')
    return new Blob([head, new Uint8Array(Math.max(0, Number(bytes) - head.length))], { type: mime })
  },
  link: (blob: string): string => `https://media.example.org/m/${encodeURIComponent(blob)}`,
})

export const partOf = (event: InboundEvent, items: readonly PartItem[], more: Partial<Part> = {}): Part => ({
  key: `conformance:${randomUUID()}`,
  to: event.where,
  audience: 'everyone',
  items,
  buttons: [],
  ...more,
})

export const textPart = (event: InboundEvent, text: string, more: Partial<Part> = {}): Part =>
  partOf(event, [{ kind: 'text', text }], more)

/** As many of the character as the platform says a text may have. */
export const fullText = ({ max, unit }: Capabilities['text'], char: string): string => {
  const size = unit === 'byte' ? Buffer.byteLength(char) : unit === 'utf16' ? char.length : [...char].length
  return char.repeat(Math.floor(max / size))
}

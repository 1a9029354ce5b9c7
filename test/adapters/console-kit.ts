import { deflateSync } from 'node:zlib'
import type { Adapter, AdapterDeps, InboundEvent, Part, PartItem } from '../../src/contract/index.ts'
import { settingsFrom, testDeps } from '../kit/deps.ts'
import { type ConsoleOptions, type FakeConsole, startConsole } from '../platforms/console.ts'

export interface Chat extends AsyncDisposable {
  readonly fake: FakeConsole
  readonly adapter: Adapter
  readonly events: readonly InboundEvent[]
  /** Resolves once this many events have come. */
  readonly heard: (count: number) => Promise<readonly InboundEvent[]>
  /** Resolves when reading has ended. */
  readonly ended: Promise<void>
  readonly stop: () => void
  readonly print: (text: string, more?: Partial<Part>) => Promise<string>
  readonly edit: (message: string, text: string, more?: Partial<Part>) => Promise<void>
}

const never = new AbortController().signal

export const partOf = (items: readonly PartItem[], more: Partial<Part> = {}): Part => ({
  key: 'k',
  to: { platform: 'console', account: 'local', chat: 'local', kind: 'dm' },
  audience: 'everyone',
  items,
  buttons: [],
  ...more,
})

/** A terminal with the adapter reading it. */
export async function openChat(options: ConsoleOptions = {}, over: Partial<AdapterDeps> = {}): Promise<Chat> {
  const fake = await startConsole(options)
  const adapter = fake.module.create(settingsFrom(fake.module, fake.settings), testDeps(over))
  const [stream] = adapter.intakes
  if (stream?.kind !== 'stream') throw new Error('the console is a stream')
  const abort = new AbortController()
  const events: InboundEvent[] = []
  let wake = (): void => {}
  const ended = stream.run(
    async (brought) => {
      events.push(...brought)
      wake()
    },
    () => {},
    abort.signal,
  )
  const textPart = (text: string, more: Partial<Part> = {}): Part => partOf([{ kind: 'text', text }], more)
  return {
    fake,
    adapter,
    events,
    heard: async (count) => {
      while (events.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return events
    },
    ended,
    stop: () => abort.abort(),
    print: async (text, more) => (await adapter.send(textPart(text, more), never)).message ?? '',
    edit: async (message, text, more) => {
      await adapter.edit?.(message, textPart(text, more), never)
    },
    [Symbol.asyncDispose]: async () => {
      abort.abort()
      await ended
      await fake.close()
    },
  }
}

export interface PngParts {
  readonly width: number
  readonly height: number
  readonly colour: 0 | 2 | 3 | 4 | 6
  /** Bytes of all rows, unfiltered. */
  readonly rows: readonly (readonly number[])[]
  /** Filter type of each row. */
  readonly filters: readonly number[]
  readonly palette?: readonly number[]
  readonly depth?: number
  readonly interlace?: number
}

const chunk = (type: string, data: Uint8Array): Buffer => {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(data.length)
  head.write(type, 4, 'latin1')
  // The checksum at the end is not looked at by our reader.
  return Buffer.concat([head, data, Buffer.alloc(4)])
}

export const STEP = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 } as const

/** Writes a PNG whose rows are filtered as told (PNG specification, section 9.2). */
export function makePng({ width, height, colour, rows, filters, palette, depth = 8, interlace = 0 }: PngParts): Buffer {
  const step = STEP[colour]
  const filtered = rows.flatMap((row, y) => {
    const filter = filters[y] ?? 0
    const bytes = row.map((byte, x) => {
      const left = row[x - step] ?? 0
      const above = rows[y - 1]?.[x] ?? 0
      const corner = x >= step ? (rows[y - 1]?.[x - step] ?? 0) : 0
      const paeth = [left, above, corner].toSorted(
        (one, other) => Math.abs(left + above - corner - one) - Math.abs(left + above - corner - other),
      )[0]
      const guess = [0, left, above, Math.floor((left + above) / 2), paeth ?? 0][filter] ?? 0
      return (byte - guess) & 0xff
    })
    return [filter, ...bytes]
  })
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([depth, colour, 0, 0, interlace], 8)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    ...(palette ? [chunk('PLTE', Buffer.from(palette))] : []),
    chunk('IDAT', deflateSync(Buffer.from(filtered))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

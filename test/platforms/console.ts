import { statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { consoleModule } from '../../adapters/console/index.ts'
import type { Terminal } from '../../adapters/console/terminal.ts'
import type { AdapterModule, MediaKind } from '../../src/contract/index.ts'
import type { Failure, FakePlatform, Person, Place, Shown } from './platform.ts'
import { makeScreenModel } from './terminal-screen.ts'

/** A person in front of a terminal: types keys, reads the screen. */
export interface FakeConsole extends FakePlatform {
  /** The adapter over this terminal instead of the process's own. */
  readonly module: AdapterModule
  readonly failures: readonly Failure['kind'][]
  readonly type: (keys: string) => void
  /** Ctrl-D, or the end of the pipe. */
  readonly endInput: () => void
  /** The whole screen as a person reads it. */
  readonly read: () => string
  /** Every byte that was written, escape sequences too. */
  readonly raw: () => string
  readonly interrupts: () => number
}

export interface ConsoleOptions {
  readonly isTty?: boolean
  readonly columns?: number
  readonly rows?: number
  readonly drawing?: Terminal['drawing']
}

const you: Person = { id: 'local', name: 'You' }
const place: Place = { chat: 'local', kind: 'dm' }

export async function startConsole(options: ConsoleOptions = {}): Promise<FakeConsole> {
  const { isTty = true, columns = 80, rows = 10_000, drawing = 'none' } = options
  const folder = await mkdtemp(join(tmpdir(), 'console-'))
  const screen = makeScreenModel(columns)
  const input = new PassThrough()
  const calls: { method: string; at: number }[] = []
  const written: string[] = []
  let failure: Failure['kind'] | null = null
  let interrupts = 0

  const output = new Writable({
    decodeStrings: false,
    write: (chunk, _, done) => {
      const text = String(chunk)
      // The line editor writes prompts and echoes; a call of the adapter prints set-in lines.
      const printing = /(^|\n|J) {2}\S/.test(text)
      if (printing) calls.push({ method: 'print', at: Date.now() })
      const how = printing ? failure : null
      if (how) failure = null
      if (how === 'hang') return
      if (how === 'target_gone') return done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
      written.push(text)
      screen.write(text)
      done()
    },
  })
  const terminal: Terminal = {
    input: () => input,
    // The line editor asks the stream itself for its width.
    output: () => Object.assign(output, { columns }),
    isTty,
    columns: () => columns,
    rows: () => rows,
    drawing,
    interrupt: () => {
      interrupts++
    },
  }
  const enter = (line: string): void => {
    input.write(isTty ? `${line}\r` : `${line}\n`)
  }

  return {
    id: 'console',
    module: consoleModule(() => terminal),
    failures: ['hang', 'target_gone'],
    settings: { ENABLED: 'true', MEDIA_DIR: folder },
    secrets: [],
    people: { ann: you, bob: you, robot: you },
    places: { dm: place, group: place, thread: null },
    connect: () => {},
    say: async (_from, _place, text) => {
      enter(text)
      return null
    },
    redeliver: async () => null,
    shown: () => shownOn(screen, enter),
    calls: () => calls,
    failNext: ({ kind }) => {
      failure = kind
    },
    forgeries: () => [],
    close: async () => {
      input.destroy()
      output.destroy()
      await rm(folder, { recursive: true })
    },
    type: (keys) => {
      input.write(keys)
    },
    endInput: () => {
      if (isTty) input.write('\x04')
      else input.end()
    },
    read: () =>
      screen
        .lines()
        .map((line) => line.text)
        .join('\n'),
    raw: () => written.join(''),
    interrupts: () => interrupts,
  }
}

const SAVED = /^saved: (.+) \(([^,]+), [\d.]+ \w+\)$/
const BUTTON = /\[#(\d+)\] (.*?)(?= {3}\[#|$)/g

/** Messages are blocks of lines set in by two spaces; an empty line ends each. */
function shownOn(screen: ReturnType<typeof makeScreenModel>, enter: (line: string) => void): readonly Shown[] {
  const blocks: { row: number; lines: string[] }[] = []
  let block: { row: number; lines: string[] } | null = null
  for (const { row, text } of screen.lines()) {
    if (!text.startsWith('  ')) block = null
    else if (block) block.lines.push(text.slice(2))
    else {
      block = { row, lines: [text.slice(2)] }
      blocks.push(block)
    }
  }
  return blocks.map(({ row, lines }) => {
    const files = lines.filter((line) => SAVED.test(line))
    const row1 = lines.at(-1) ?? ''
    const pressable = row1.startsWith('[#') ? [...row1.matchAll(BUTTON)] : []
    const words = lines.filter((line) => !SAVED.test(line)).slice(0, pressable.length > 0 ? -1 : undefined)
    return {
      id: `row-${row}`,
      place,
      text: words.join('\n'),
      media: files.map(fileOf),
      buttons: pressable.map(([, number, label = '']) => ({
        label,
        press: async () => enter(`#${number}`),
      })),
      edits: screen.printedOver.get(row) ?? 0,
    }
  })
}

const fileOf = (line: string): Shown['media'][number] => {
  const [, path = '', mime = ''] = SAVED.exec(line) ?? []
  const family = mime.split('/')[0]
  const kind: MediaKind = family === 'image' || family === 'video' || family === 'audio' ? family : 'file'
  return { kind, as: 'file', bytes: statSync(path).size, mime, name: basename(path) }
}

import {
  type Adapter,
  type AdapterDeps,
  type AdapterModule,
  type Capabilities,
  defineAdapter,
  type MediaRung,
  type Part,
  SendError,
} from '../../src/contract/index.ts'
import { makeChoices } from './choices.ts'
import { makeStream } from './connect.ts'
import { encode, isNews, type SavedFile } from './encode.ts'
import { draw } from './picture.ts'
import { saveCopy } from './save.ts'
import { makeScreen } from './screen.ts'
import { drawingOf, type Terminal } from './terminal.ts'

const file: readonly MediaRung[] = [
  { as: 'file', by: 'upload', maxBytes: 2 * 1024 ** 3, mime: ['*'], caption: 4096, album: 1 },
]

const capabilities: Capabilities = {
  name: 'Console',
  intakes: ['stream'],
  text: { max: 100_000, unit: 'utf16', markup: 'plain' },
  media: { image: file, video: file, audio: file, file },
  call: { items: 1 },
  buttons: { kind: 'press', max: 20, perRow: 20, labelMax: 60 },
  edit: { everyMs: 250, withinMs: null },
  typing: null,
  threads: false,
  quotes: false,
  // Nobody but the asker sits at the terminal.
  audiences: ['everyone', 'asker'],
  directByUserId: true,
  answer: { inlineMs: null, tokenMs: null, push: 'always', windowMs: null },
  resend: 'marked',
  redeliveryMs: 0,
  staleAfterMs: null,
  commands: 'none',
  pace: { concurrent: 1, everyMs: 0, perChatMs: 0, perGroupMs: 0, burst: 1 },
  receives: [],
}

const KEPT_MESSAGES = 200

function makeAdapter(terminal: Terminal, folder: string, deps: AdapterDeps): Adapter {
  const screen = makeScreen(terminal)
  const choices = makeChoices()
  const printed = new Map<string, string>()
  let count = 0

  const save = async (part: Part, signal: AbortSignal): Promise<readonly SavedFile[]> => {
    const saved: SavedFile[] = []
    for (const item of part.items) {
      if (item.kind !== 'media') continue
      const { blob, name, kind, mime, bytes } = item.media
      const content = await deps.media.open(blob).catch((cause: unknown) => {
        throw new SendError('media_rejected', `${name} is gone from the disk`, { cause })
      })
      const path = await saveCopy(folder, name, content, signal)
      const drawn = await draw(content, mime, terminal.drawing, terminal.columns())
      saved.push({ path, kind, mime, bytes, drawn })
    }
    return saved
  }

  const blockOf = (message: string, part: Part, saved: readonly SavedFile[]): string =>
    encode(part, saved, choices.offer(message, part.buttons), deps.say('maybe_repeated'))

  const keep = (message: string, block: string): void => {
    printed.set(message, block)
    const oldest = printed.keys().next().value
    if (printed.size > KEPT_MESSAGES && oldest !== undefined) printed.delete(oldest)
  }

  return {
    account: 'local',
    intakes: [makeStream({ terminal, screen, choices, deps })],
    send: async (part, signal) => {
      const message = `${part.key}#${++count}`
      const saved = await save(part, signal)
      const block = blockOf(message, part, saved)
      await screen.print(message, block, signal)
      // The saved path has to stay readable, so a message with files is never printed over.
      if (saved.length > 0) screen.settle()
      keep(message, block)
      return { message, via: 'push' }
    },
    edit: async (message, part, signal) => {
      const before = printed.get(message)
      if (before === undefined) throw new SendError('edit_gone', 'printed before the last start, or long ago')
      const block = blockOf(message, part, [])
      if (block === before) return { message, via: 'edit' }
      const replaced = await screen.replace(message, block, signal)
      if (!replaced && isNews(before, block)) await screen.print(message, block, signal)
      keep(message, block)
      return { message, via: 'edit' }
    },
    typing: null,
    pushes: null,
    quota: null,
    inline: null,
    download: null,
    probe: async () => [
      {
        name: 'terminal',
        ok: true,
        about: terminal.isTty
          ? `a terminal of ${terminal.columns()} columns, pictures: ${terminal.drawing}`
          : 'not a terminal: reads lines from a pipe, prints to a pipe',
      },
    ],
  }
}

/** The adapter over any terminal; `io` is asked when an adapter is made, never before. */
export const consoleModule = (io: () => Terminal): AdapterModule =>
  defineAdapter({
    id: 'console',
    env: {
      ENABLED: { kind: 'flag', about: 'Chat in the terminal the connector was started in', fallback: false },
      ADMIN: { kind: 'flag', about: "Whether the terminal's user (`console:local`) is an admin", fallback: true },
      MEDIA_DIR: {
        kind: 'text',
        about: 'Folder that files of answers are copied into, from the working directory',
        fallback: 'openclaw-media',
      },
    },
    activation: [['ENABLED']],
    capabilities,
    operator: { id: 'local', flag: 'ADMIN' },
    provenBy: null,
    create: (settings, deps) => makeAdapter(io(), settings.MEDIA_DIR, deps),
  })

const processTerminal = (): Terminal => {
  const isTty = process.stdin.isTTY === true && process.stdout.isTTY === true
  return {
    input: () => process.stdin,
    output: () => process.stdout,
    isTty,
    columns: () => process.stdout.columns || 80,
    rows: () => process.stdout.rows || 24,
    drawing: drawingOf(process.stdout.isTTY === true, process.env),
    interrupt: () => process.kill(process.pid, 'SIGINT'),
  }
}

export default consoleModule(processTerminal)

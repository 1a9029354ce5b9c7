import { createInterface, type Interface } from 'node:readline'
import { type AdapterDeps, type Body, eventId, type InboundEvent, type Stream } from '../../src/contract/index.ts'
import type { Choices } from './choices.ts'
import type { Screen } from './screen.ts'
import type { Terminal } from './terminal.ts'

const PROMPT = '> '
const HISTORY = 200
/** The longest line taken as one message, and how many lines may wait before reading pauses. */
const LINE_CHARS = 100_000
const WAITING = 64

export interface Keyboard {
  readonly terminal: Terminal
  readonly screen: Screen
  readonly choices: Choices
  readonly deps: AdapterDeps
}

/** Lines of the terminal as a stream of events. An event whose keeping failed is brought again by the next run. */
export function makeStream(keyboard: Keyboard): Stream {
  const { terminal, screen, choices, deps } = keyboard
  const start = `${deps.now().toString(36)}${Math.floor(deps.random() * 2 ** 40).toString(36)}`
  const waiting: string[] = []
  let count = 0
  let open: Interface | null = null
  let ended = false
  let unkept: InboundEvent | null = null
  let wake = (): void => {}
  let history = readHistory(deps.memo.get('history'))

  const openLines = (): Interface => {
    const shape = terminal.isTty
      ? { output: terminal.output(), terminal: true, history: [...history], historySize: HISTORY }
      : { terminal: false }
    const lines = createInterface({
      input: terminal.input(),
      prompt: PROMPT,
      crlfDelay: Number.POSITIVE_INFINITY,
      ...shape,
    })
    lines.on('line', (line) => {
      screen.settle()
      waiting.push(line.slice(0, LINE_CHARS))
      if (waiting.length >= WAITING) lines.pause()
      wake()
    })
    lines.on('close', () => {
      if (open !== lines) return
      ended = true
      wake()
    })
    lines.on('error', (error) => {
      deps.log.warn({ err: error }, 'the terminal cannot be read any more')
      ended = true
      wake()
    })
    lines.on('SIGINT', terminal.interrupt)
    if (terminal.isTty) {
      screen.attach({ text: () => `${PROMPT}${lines.line}`, cursor: () => lines.getCursorPos() })
    }
    return lines
  }

  const closeLines = (): void => {
    const lines = open
    open = null
    screen.detach()
    lines?.close()
    if (lines && terminal.isTty) terminal.output().write('\n')
  }

  /** The next line; null when there will be none. */
  const nextLine = async (signal: AbortSignal): Promise<string | null> => {
    const onAbort = (): void => wake()
    signal.addEventListener('abort', onAbort, { once: true })
    const idle = (): boolean => waiting.length === 0 && !ended && !signal.aborted
    try {
      while (idle()) {
        open?.resume()
        if (terminal.isTty) await screen.showPrompt(signal)
        if (!idle()) break
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
    return signal.aborted ? null : (waiting.shift() ?? null)
  }

  const bodyOf = async (line: string): Promise<Body | null> => {
    const text = line.trim()
    const number = /^#(\d{1,9})$/.exec(text)?.[1]
    if (!number) return text === '' ? null : { kind: 'text', text, addressed: true }
    const choice = choices.press(Number(number))
    if (choice) return { kind: 'press', ...choice }
    await screen.print('', `  There is no button #${number}.\n\n`)
    return null
  }

  const eventOf = (body: Body): InboundEvent => ({
    id: eventId('console', 'local', start, String(++count)),
    at: deps.now(),
    from: { id: 'local', name: 'the operator', self: false, bot: false },
    // Whoever types here was let in by the operating system, as somebody with a client certificate is by TLS.
    proof: 'tls',
    where: { platform: 'console', account: 'local', chat: 'local', kind: 'dm' },
    body,
    media: [],
  })

  const remember = async (line: string): Promise<void> => {
    if (!terminal.isTty) return
    history = [line, ...history.filter((known) => known !== line)].slice(0, HISTORY)
    await deps.memo.set('history', JSON.stringify(history))
  }

  return {
    kind: 'stream',
    run: async (deliver, report, signal) => {
      if (signal.aborted) return
      if (!ended) open ??= openLines()
      report('up', terminal.isTty ? 'reading the terminal' : 'reading standard input')
      try {
        for (;;) {
          if (unkept === null) {
            const line = await nextLine(signal)
            if (line === null) return
            const body = await bodyOf(line)
            if (body === null) continue
            unkept = eventOf(body)
            await remember(line)
          }
          await deliver([unkept])
          unkept = null
        }
      } catch (error) {
        if (!signal.aborted) throw error
      } finally {
        if (signal.aborted || ended) closeLines()
      }
    },
  }
}

/** What the memo kept, or nothing if it is not a list of lines. */
const readHistory = (text: string | null): readonly string[] => {
  const kept: unknown = text === null ? [] : JSON.parse(text)
  return Array.isArray(kept) ? kept.filter((line) => typeof line === 'string').slice(0, HISTORY) : []
}
